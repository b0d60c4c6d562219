"""Pictures to play with: widgets over tables, in JupyterLab and in Voila (the extra ``lab``)."""
