package postgres_test

import (
	"testing"

	"github.com/wayleave/wayleave/internal/testservers"
	servers "github.com/wayleave/wayleave/internal/testservers/postgres"
	"github.com/wayleave/wayleave/store"
	"github.com/wayleave/wayleave/store/postgres"
)

func TestFollowEnds(t *testing.T) {
	testservers.FollowEnds(t, openStore(t, shared.Server(t).Database(t), postgres.Options{}))
}

func TestFollow(t *testing.T) {
	t.Parallel()
	shared.Server(t) // or skip
	server := servers.Start(t, servers.Options{Durable: true})
	address := server.Database(t)
	testservers.Follow(t, server, func(t testing.TB) store.Follower { return openStore(t, address, postgres.Options{}) })
}
