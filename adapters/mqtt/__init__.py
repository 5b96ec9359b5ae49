"""MQTT: messages of machines, taken from a broker and acknowledged when durable."""
