package store

// Name is no test's.
const Name = "A003 production"
