"""Maps: where cameras stand, where somebody went, floor plan by floor plan."""
