module github.com/wayleave/wayleave/test/browser

go 1.26.0

// What is tested is the code beside this module. A replace directive is fine
// here, and only here: nobody installs or imports this module.
replace github.com/wayleave/wayleave => ../..

require (
	github.com/chromedp/cdproto v0.159.0
	github.com/chromedp/chromedp v0.23.0
	github.com/wayleave/wayleave v0.0.0-00010101000000-000000000000
)

require (
	github.com/a-h/templ v0.3.977 // indirect
	github.com/go-jose/go-jose/v4 v4.1.8 // indirect
	github.com/go-json-experiment/json v0.0.0-20260213210345-44df1a37e875 // indirect
)
