import CHost

func memfdWithoutSeals() -> Int32 { chost_memfd_create("unsealed") }
