"""What tests share: servers, ports, waiting. Nothing here stands in for a class of ours."""
