package suite

// table has no need of package testing.
var table = map[string]int{"A008 in another file": 1}
