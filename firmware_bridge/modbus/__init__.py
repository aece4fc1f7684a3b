"""Modbus RTU: registers of sensors on an RS-485 line, asked for and understood."""
