package golden

import "testing"

func TestA003_Golden(t *testing.T) {}
