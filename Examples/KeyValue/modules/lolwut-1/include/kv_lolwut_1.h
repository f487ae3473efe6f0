// Nothing: the module is called by name.
