package keyfile

// Parse and Text let the fuzz target go round without a disk.
var (
	Parse = parse
	Text  = (*File).text
)
