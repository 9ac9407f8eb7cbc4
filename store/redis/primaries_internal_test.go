package redis

import (
	"strings"
	"testing"

	"github.com/wayleave/wayleave/store"
)

const (
	mine   = "a1 10.0.0.1:7000@17000 myself,master - 0 0 1 connected 0-5460 5470 [5461->-b2]\n"
	second = "b2 10.0.0.2:7000@17000 master - 0 0 2 connected 5461-10922\n"
	third  = "c3 10.0.0.3:7000@17000,name master - 0 0 3 connected 10923-16383\n"
	copies = "d4 10.0.0.4:7000@17000 slave a1 0 0 1 connected\n"
)

func TestParseNodes(t *testing.T) {
	failing := func(s string) string { return strings.Replace(s, " master ", " master,fail? ", 1) }
	for name, c := range map[string]struct {
		text  string
		ok    bool
		slots int
	}{
		"a primary among three":                  {mine + second + third + copies, true, 5462},
		"one other is lost":                      {mine + failing(second) + third, true, 5462},
		"most others are lost":                   {mine + failing(second) + failing(third), false, 5462},
		"half of them are lost":                  {mine + failing(second), false, 5462},
		"lost for all":                           {mine + strings.ReplaceAll(failing(second)+failing(third), "fail?", "fail"), false, 5462},
		"nofailover is no failure":               {mine + strings.Replace(second, "master", "master,nofailover", 1) + third, true, 5462},
		"a replica":                              {strings.Replace(mine, "master", "slave", 1) + second + third, false, 0},
		"a primary without slots":                {strings.Split(mine, " 0-5460")[0] + "\n" + second + third, false, 0},
		"a primary that only receives":           {strings.Split(mine, " 0-5460")[0] + " [7-<-b2]\n" + second + third, false, 0},
		"nobody says myself":                     {second + third, false, 0},
		"nothing":                                {"", false, 0},
		"slots that are no numbers do not count": {strings.Replace(mine, "0-5460 5470", "9-x y 5-4 99999 7", 1), true, 1},
	} {
		got, ok := parseNodes(c.text)
		if ok != c.ok || ok && (got.id != "a1" || !got.moving()) || got.count() != c.slots {
			t.Errorf("%s: %+v, %t, want %t with %d slots", name, got, ok, c.ok, c.slots)
		}
	}
	if got, _ := parseNodes(strings.Replace(mine, " [5461->-b2]", "", 1) + second + third); got.moving() {
		t.Error("a primary that moves nothing is said to")
	}
	if n := alone.count(); n != allSlots {
		t.Errorf("a server alone has %d slots", n)
	}
}

func FuzzParseNodes(f *testing.F) {
	f.Add(mine + second + third + copies)
	f.Fuzz(func(t *testing.T, text string) {
		if got, ok := parseNodes(text); ok && (got.id == "" || got.count() == 0) {
			t.Errorf("a primary without id or slots: %+v", got)
		}
	})
}

func FuzzParsePlace(f *testing.F) {
	f.Add(place{1 << 63, 2, "0123abc", 99}.String())
	f.Add(place{}.String())
	f.Fuzz(func(t *testing.T, text string) {
		if p, err := parsePlace(text); err == nil && p.String() != text {
			t.Errorf("%q is read as %+v, which is written otherwise", text, p)
		}
	})
}

func TestParsePlaceRefuses(t *testing.T) {
	good := place{0xabc, 1, "f00", 7}
	if p, err := parsePlace(good.String()); err != nil || p != good {
		t.Errorf("%v is read as %v, error %v", good, p, err)
	}
	for _, text := range []string{"", "abc.1.f00", "abc.1.f00.7.", "abc.-1.f00.7", "abc.1.f00.-7", "0abc.1.f00.7", "ABC.1.f00.7", "abc.1.g00.7",
		"abc.70000.f00.7", "abc.1.f00.7 ", "abc.1." + strings.Repeat("f", 128) + ".7"} {
		if p, err := parsePlace(text); err != errCursor {
			t.Errorf("%q is read as %+v, error %v", text, p, err)
		}
	}
}

func TestParseKey(t *testing.T) {
	at := name{"things", store.Key{1, 0xab, 31: 0xff}}
	s := &Store{target: target{prefix: "p:things"}}
	if k, ok := parseKey(s.keysOf("things"), at.in("p:things")); !ok || k != at.key {
		t.Errorf("%v, %t, want %v", k, ok, at.key)
	}
	for what, text := range map[string]string{
		"a set of entries":               at.setIn("p:things"),
		"another table":                  name{"other", at.key}.in("p:things"),
		"another prefix":                 at.in("q"),
		"a deployment with a longer one": at.in("p:things:things"),
		"capitals":                       strings.ToUpper(at.in("p:things")),
		"a digit too many":               at.in("p:things") + "0",
		"no hexadecimal":                 s.keysOf("things") + strings.Repeat("x", 64),
		"nothing":                        "",
	} {
		if k, ok := parseKey(s.keysOf("things"), text); ok {
			t.Errorf("%s: %q is read as %v", what, text, k)
		}
	}
}
