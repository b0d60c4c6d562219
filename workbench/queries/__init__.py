"""The questions an analyst asks, room by room; each method is one of them."""
