package trace_test

import (
	"context"
	"fmt"

	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/trace"
)

func ExampleStory_Failed() {
	recorder := trace.NewRecorder(50)
	config := oauth.Config{OnEvent: recorder.Record}

	// A login happens, and its events arrive.
	config.OnEvent(context.Background(), oauth.Checked{
		Is:    oauth.About{Login: "q3V0b1lTzW9xYw2k", Provider: "google", Step: oauth.StepCallback},
		Check: oauth.CheckBrowser,
		Err:   &oauth.Error{Check: oauth.CheckBrowser, Reason: "the login was begun in another browser"},
	})

	for _, story := range recorder.Logins() {
		if check, _, failed := story.Failed(); failed {
			says, stops := trace.Explain(check)
			fmt.Printf("%s refused %s: %s\n", check, story.Login, story.Refused.Reason)
			fmt.Printf("It makes sure: %s\nIt stops: %s\n", says, stops)
		}
	}
	// Output:
	// same-browser refused q3V0b1lTzW9xYw2k: The login was begun in another browser.
	// It makes sure: The answer belongs to this browser.
	// It stops: Somebody else's sign-in link opened in your browser.
}
