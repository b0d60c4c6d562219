"""Graph stores: who, where, when and how they are related."""
