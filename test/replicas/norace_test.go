//go:build !race

package replicas_test

const raceDetector = false
