package canonical

// Method reports whether a request's method is passed on, and held against rules.
// CONNECT would make a tunnel, and TRACE an echo of what a browser keeps from
// scripts. Methods are compared byte by byte, so one that is not in upper case
// would pass a rule that the upstream takes it to break.
func Method(m string) bool {
	if m == "CONNECT" || m == "TRACE" || m == "TRACK" || m == "PRI" || m == "" || len(m) > 32 {
		return false
	}
	for i := range len(m) {
		if c := m[i]; (c < 'A' || c > 'Z') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}
