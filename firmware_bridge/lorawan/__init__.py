"""What the network servers of LoRaWAN have in common: whose uplink, heard how, when, and whether it is new."""
