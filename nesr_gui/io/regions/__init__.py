"""Files of regions, and the map coordinates of georeferenced images."""
