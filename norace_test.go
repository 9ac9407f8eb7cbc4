//go:build !race

package wayleave_test

const raceDetector = false
