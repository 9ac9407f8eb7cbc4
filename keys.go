package wayleave

import "github.com/wayleave/wayleave/internal/keyfile"

// ReadKeys reads the keys for Config.Keys from a file made by "wayleave keys
// new", in the order that "wayleave keys rotate" gives them, or from one with a
// single key of 32 bytes in base64 or hexadecimal. Nobody but the file's owner
// may have access to it. No error tells a key.
func ReadKeys(path string) ([][]byte, error) {
	file, err := keyfile.Read(path)
	if err != nil {
		return nil, err
	}
	return file.Keys(), nil
}
