package oauth_test

import "testing"

// NET-03 is in this comment.
func TestNET01_PRX09b_Strict(t *testing.T) {
	t.Run("NET-02, RET-1: strict", func(t *testing.T) {
		t.Errorf("NET-03 failed") // A003
	})
}

// Algorithms are not ids, and neither is what is only printed.
func TestSHA256_A256GCM(t *testing.T) {
	for _, alg := range []string{"A256GCM", "A256KW", "POP3", "see A256"} {
		t.Log("A256", alg)
	}
	t.Skip("A003 cannot run")
}

func TestSuffix(t *testing.T) {
	t.Run("A007"+" joined", func(t *testing.T) {})
}

func Testing_A003(t *testing.T) {}

func TestMain(m *testing.M) { m.Run(); println("A003") }

var cases = []struct{ name string }{
	{"A001 table"},
}

func FuzzTable(f *testing.F) {
	for _, c := range cases {
		f.Add(c.name)
	}
	checked(f)
}

func checked(tb testing.TB) { deeper(tb) }

func deeper(tb testing.TB) { _ = map[string]int{"A002 helper": 1} }

func unused(tb testing.TB) { _ = "A003 unused" }
