"""What other programs call what a recipe says: taken in, and said to them."""
