package gateway_test

import "testing"

// TestPRX08_WebSocketsBesideRealProxies: they pass with a session and from a page
// of the site, and nothing else is upgraded.
func TestPRX08_WebSocketsBesideRealProxies(t *testing.T) {
	for _, f := range fronts {
		t.Run(f.name, func(t *testing.T) {
			g, listen := beside(t, f)
			g.answerWith(talks)
			grace := g.browser()
			grace.signIn("grace", "/")
			through := &gateway{t: t, listen: listen}
			host := "Cookie: " + grace.cookies() + "\r\n"
			key := "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
			for _, row := range []struct {
				name, header string
				status       int
			}{
				{"from our page", upgrade + key + host + "Origin: " + g.base + "\r\n", 101},
				{"from no page", upgrade + key + host, 101},
				{"nobody", upgrade + key + "Origin: " + g.base + "\r\n", 401},
				{"from another site", upgrade + key + host + "Origin: https://evil.example\r\n", 403},
				{"from another site without a key", upgrade + host + "Origin: https://evil.example\r\n", 403},
				{"in other letters", "Upgrade: WebSocket\r\nConnection: keep-alive, upgrade\r\n" + key + host, 101},
				{"two upgrades", "Upgrade: h2c\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" + host, 200},
				{"a list of upgrades", "Upgrade: websocket, h2c\r\nConnection: Upgrade\r\n" + host, 200},
				{"h2c", "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n" + host, 200},
			} {
				t.Run(row.name, func(t *testing.T) {
					g.up.taken()
					c, resp, err := through.holdAt("/ws", g.base[len("http://"):], row.header)
					if err != nil {
						t.Fatal(err)
					}
					defer c.Close()
					if resp.StatusCode != row.status {
						t.Fatalf("%d, want %d", resp.StatusCode, row.status)
					}
					got := g.up.taken()
					if reached := row.status < 400; reached != (len(got) == 1) {
						t.Errorf("the app got %+v", got)
					}
					if row.status == 200 && got[0].Header.Get("Upgrade") != "" {
						t.Errorf("the app was asked for %q", got[0].Header.Get("Upgrade"))
					}
					if row.status != 101 {
						return
					}
					if resp.Header.Get("X-Subject") != "grace" {
						t.Errorf("the app was told of %q", resp.Header.Get("X-Subject"))
					}
					c.echoes(t)
				})
			}
		})
	}
}
