package embedded_test
func crowd(string) {}
