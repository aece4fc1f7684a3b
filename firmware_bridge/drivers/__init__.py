"""One file a device family; its name is the driver's in the configuration. Found by `firmware_bridge.sources`."""
