import Wire

/// A place as the tests write it; one that can't be read is a mistake of the test.
func place(_ text: String) -> ChildAddress {
    guard let address = ChildAddress(parsing: text) else { preconditionFailure("\(text) is no place in a tree") }
    return address
}
