// Package packaging_test holds what is installed against the programs that will
// read it.
package packaging_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/wayleave/wayleave/gateway/config"
)

// needed skips a test without a program, but fails it in a full run.
func needed(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err == nil {
		return path
	}
	if os.Getenv("WAYLEAVE_TEST_FULL") == "1" {
		t.Fatalf("%s is missing", program)
	}
	t.Skipf("%s is missing", program)
	return ""
}

// units copies the units into a folder, with programs that are there.
func units(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for _, name := range []string{"wayleave.service", "wayleave.socket"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		text = bytes.Replace(text, []byte("/usr/local/bin/wayleave "), []byte("/bin/sh "), 1)
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestUnits_SystemdFindsNothingWrong(t *testing.T) {
	analyze := needed(t, "systemd-analyze")
	dir := units(t)
	out, err := exec.Command(analyze, "verify", "--man=no", filepath.Join(dir, "wayleave.service"), filepath.Join(dir, "wayleave.socket")).CombinedOutput()
	// It prints what it does not know, and ends with 0 all the same.
	if err != nil || strings.Contains(string(out), dir) {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestUnits_AreHardened(t *testing.T) {
	analyze := needed(t, "systemd-analyze")
	out, err := exec.Command(analyze, "security", "--offline=true", "--threshold=20", filepath.Join(units(t), "wayleave.service")).CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// manifest is as much of a Kubernetes object as the tests look at.
type manifest struct {
	Kind string
	Data map[string]string
	Spec struct {
		Template struct {
			Spec struct {
				Grace    int `yaml:"terminationGracePeriodSeconds"`
				Security struct {
					NonRoot bool `yaml:"runAsNonRoot"`
					User    int  `yaml:"runAsUser"`
					Group   int  `yaml:"fsGroup"`
				} `yaml:"securityContext"`
				Containers []struct {
					Ports []struct {
						Name string
						Port int `yaml:"containerPort"`
					}
					Lifecycle struct {
						PreStop struct{ Sleep struct{ Seconds int } } `yaml:"preStop"`
					}
				}
			}
		}
	}
}

func manifests(t *testing.T) map[string]manifest {
	t.Helper()
	text, err := os.ReadFile("kubernetes.yaml")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]manifest{}
	for d := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var m manifest
		if err := d.Decode(&m); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all[m.Kind] = m
	}
}

func TestKubernetes(t *testing.T) {
	all := manifests(t)
	for _, kind := range []string{"ConfigMap", "Deployment", "Service", "PodDisruptionBudget"} {
		if _, ok := all[kind]; !ok {
			t.Errorf("there is no %s", kind)
		}
	}
	pod := all["Deployment"].Spec.Template.Spec
	if len(pod.Containers) != 1 {
		t.Fatalf("%d containers", len(pod.Containers))
	}
	if !pod.Security.NonRoot || pod.Security.User != pod.Security.Group {
		t.Errorf("security context: %+v", pod.Security)
	}

	// The configuration is one that the gateway takes.
	secrets := t.TempDir()
	text := strings.ReplaceAll(all["ConfigMap"].Data["wayleave.yaml"], "/etc/wayleave-secrets", secrets)
	if err := os.WriteFile(filepath.Join(secrets, "google"), []byte("not-a-secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "wayleave.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Read(path, func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	for _, port := range pod.Containers[0].Ports {
		address := map[string]config.Address{"http": c.Listen, "health": c.Health}[port.Name]
		if !strings.HasSuffix(address.Address, fmt.Sprint(":", port.Port)) {
			t.Errorf("port %s is %d, the configuration says %s", port.Name, port.Port, address.Address)
		}
	}
	// 1 s of lingering and 10 s for closing are not in the configuration.
	if need := pod.Containers[0].Lifecycle.PreStop.Sleep.Seconds + 1 + int(c.Limits.Drain.Seconds()) + 10; pod.Grace < need {
		t.Errorf("grace period %d s, want at least %d s", pod.Grace, need)
	}
}

// The image has no shell and nobody but a user without a name, and starts with
// what it contains.
func TestContainer(t *testing.T) {
	text, err := os.ReadFile("Containerfile")
	if err != nil {
		t.Fatal(err)
	}
	_, final, ok := strings.Cut(string(text), "\nFROM scratch\n")
	if !ok || strings.Contains(final, "\nFROM ") || strings.Contains(final, "RUN ") {
		t.Error("the last stage is not one from scratch")
	}
	user := regexp.MustCompile(`(?m)^USER (\d+):\d+$`).FindStringSubmatch(final)
	if user == nil || user[1] != fmt.Sprint(manifests(t)["Deployment"].Spec.Template.Spec.Security.User) {
		t.Errorf("user %v", user)
	}
	entry := regexp.MustCompile(`(?m)^ENTRYPOINT \["(.+)"\]$`).FindStringSubmatch(final)
	if entry == nil || !strings.Contains(final, " "+entry[1]+"\n") {
		t.Errorf("entry point %v is not in the image", entry)
	}
}
