"""What a reply to a picture asks for, and the words that the new picture is drawn from."""
