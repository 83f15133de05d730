"""Many photographs, or one that is very large: on the processes of this machine or on a cluster."""
