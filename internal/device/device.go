// Package device says in a few words what a browser runs on, for a person who
// looks at the list of their own sessions: "Firefox on Linux".
package device

import "strings"

// maxInput is how much of a header is looked at, in bytes. Browsers say who
// they are well before.
const maxInput = 512

const unknown = "unknown device"

// word is a piece of a header, and our name for what sends it.
type word struct{ sent, name string }

// tools are no browsers, and where they run is nobody's concern.
var tools = []word{
	{"curl/", "curl"}, {"Wget/", "Wget"}, {"HTTPie/", "HTTPie"}, {"PostmanRuntime/", "Postman"},
	{"Go-http-client/", "a Go program"}, {"python-requests/", "a Python program"}, {"Python-urllib/", "a Python program"},
	{"python-httpx/", "a Python program"}, {"aiohttp/", "a Python program"}, {"okhttp/", "an app"},
	{"CFNetwork/", "an app on an Apple device"}, {"node-fetch/", "a Node.js program"}, {"axios/", "a Node.js program"},
	{"Java/", "a Java program"}, {"Apache-HttpClient/", "a Java program"}, {"PowerShell/", "PowerShell"},
}

// browsers stand in the order in which they are looked for: nearly all of them
// also claim to be those further down.
var browsers = []word{
	{"EdgA/", "Edge"}, {"EdgiOS/", "Edge"}, {"Edg/", "Edge"}, {"Edge/", "Edge"},
	{"OPR/", "Opera"}, {"OPT/", "Opera"}, {"OPiOS/", "Opera"}, {"Opera", "Opera"},
	{"SamsungBrowser/", "Samsung Internet"}, {"Vivaldi/", "Vivaldi"}, {"YaBrowser/", "Yandex Browser"},
	{"UCBrowser/", "UC Browser"}, {"MiuiBrowser/", "Mi Browser"}, {"HuaweiBrowser/", "Huawei Browser"},
	{"Brave/", "Brave"}, {"DuckDuckGo/", "DuckDuckGo"}, {"Ddg/", "DuckDuckGo"}, {"GSA/", "the Google app"},
	{"Electron/", "a desktop app"}, {"; wv)", "an app"},
	{"FxiOS/", "Firefox"}, {"Focus/", "Firefox"}, {"SeaMonkey/", "SeaMonkey"}, {"Firefox/", "Firefox"},
	{"CriOS/", "Chrome"}, {"Chromium/", "Chromium"}, {"Chrome/", "Chrome"},
	{"Epiphany/", "Epiphany"}, {"Android", "a browser"}, {"Safari/", "Safari"},
	{"MSIE ", "Internet Explorer"}, {"Trident/", "Internet Explorer"},
	{"Mobile/", "an app"}, // what apps on iPhones show pages in
}

// platforms stand in the order in which they are looked for, as browsers do.
var platforms = []word{
	{"Windows Phone", "Windows Phone"}, {"iPhone", "iPhone"}, {"iPad", "iPad"}, {"iPod", "iPod"},
	{"SMART-TV", "a television"}, {"SmartTV", "a television"}, {"Web0S", "a television"}, {"AppleTV", "a television"},
	{"PlayStation", "PlayStation"}, {"Xbox", "Xbox"}, {"Nintendo", "Nintendo"},
	{"Android", "Android"}, {"CrOS", "ChromeOS"}, {"Windows", "Windows"}, {"Macintosh", "Mac"},
	{"FreeBSD", "FreeBSD"}, {"OpenBSD", "OpenBSD"}, {"NetBSD", "NetBSD"}, {"Linux", "Linux"},
}

// Describe names the program and the platform behind a User-Agent header (RFC
// 9110, section 10.1.5), or says "unknown device". The answer is made of this
// package's own words alone, whatever the header holds; it is a hint for people,
// and nothing may be decided by it, since anybody can send any header.
func Describe(userAgent string) string {
	ua := userAgent[:min(len(userAgent), maxInput)]
	if tool := find(tools, ua); tool != "" {
		return tool
	}
	browser, platform := find(browsers, ua), find(platforms, ua)
	switch {
	case browser == "" && platform == "":
		return unknown
	case browser == "":
		return "a browser on " + platform
	case platform == "":
		return browser
	}
	return browser + " on " + platform
}

// find is the name of the first word that is there, or nothing.
func find(words []word, in string) string {
	for _, w := range words {
		if strings.Contains(in, w.sent) {
			return w.name
		}
	}
	return ""
}
