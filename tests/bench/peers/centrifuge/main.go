// Centrifugo's engine, as a server of its own: what our gateway is compared with where records fan
// out, and where they are published without a disk. Whoever connects may subscribe and publish; a
// channel keeps the last of its publications in memory, and subscribers are told their offsets, so
// that they can go on where they were. It prints where it listens.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/centrifugal/centrifuge"
)

var (
	historySize = flag.Int("history-size", 10_000, "publications that a channel keeps")
	historyTTL  = flag.Duration("history-ttl", 5*time.Minute, "how long it keeps them")
	writeDelay  = flag.Duration("write-delay", 0, "how long a connection waits for more to write")
)

func main() {
	flag.Parse()
	node, err := centrifuge.New(centrifuge.Config{})
	if err != nil {
		log.Fatal(err)
	}
	node.OnConnecting(connecting)
	node.OnConnect(connected)
	if err := node.Run(); err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listening on http://%s\n", listener.Addr())
	http.Handle("/connection/websocket", centrifuge.NewWebsocketHandler(node, centrifuge.WebsocketConfig{}))
	log.Fatal(http.Serve(listener, nil))
}

func connecting(context.Context, centrifuge.ConnectEvent) (centrifuge.ConnectReply, error) {
	return centrifuge.ConnectReply{
		Credentials: &centrifuge.Credentials{},
		WriteDelay:  *writeDelay,
	}, nil
}

func connected(client *centrifuge.Client) {
	client.OnSubscribe(func(_ centrifuge.SubscribeEvent, answer centrifuge.SubscribeCallback) {
		options := centrifuge.SubscribeOptions{EnableRecovery: true, EnablePositioning: true}
		answer(centrifuge.SubscribeReply{Options: options}, nil)
	})
	client.OnPublish(func(_ centrifuge.PublishEvent, answer centrifuge.PublishCallback) {
		options := centrifuge.PublishOptions{HistorySize: *historySize, HistoryTTL: *historyTTL}
		answer(centrifuge.PublishReply{Options: options}, nil)
	})
}
