// Package trace tells the story of a login to people: who asked whom for what,
// what came back, what was checked, and which check refused.
//
// Most people need three lines. Give a [Recorder] to the configuration that
// emits events, and mount its pages in development:
//
//	story := trace.NewRecorder(50)
//	config.OnEvent = story.Record
//	mux.Handle("/trace/", story.Handler("/trace"))
//
// [Story.WriteText] prints one login on a terminal, and a [Story] marshals to
// JSON for machines.
//
// This is for development only. Secrets are masked before they get here, and
// show as a fingerprint; e-mail addresses, names, account identifiers and the
// addresses of APIs are shown as they are. Whoever can open the pages reads
// them, so the handler must never be reachable by the public.
package trace
