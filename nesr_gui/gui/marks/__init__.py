"""What the user marks in an image, pins and regions: in the image, in the table, and what the field answers there."""
