"""The image: its panes, what they show and how, and the light and camera it is seen under."""
