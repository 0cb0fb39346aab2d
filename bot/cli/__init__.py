"""What people say in a terminal: draw, reproduce, models, doctor, backup."""
