"""The numbers of a server in the format of Prometheus."""
