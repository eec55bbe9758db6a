# What can be wrong with a lab whose file is valid. The message is what is wrong, `.happens` what happens then and by which
# rule of the kernel, `.cure` what mends it.

cause-answers-through-director = a DR or TUN real server sends its answers through the director
    .happens = they come from the VIP, which is an address of the director itself: a source of its own is martian to it (__fib_validate_source, net/ipv4/fib_frontend.c)
    .cure = give the server another router as its gateway, or use NAT (-m)

cause-arp-announce = a real server asks for its neighbours with the VIP as the sender
    .happens = with arp_announce 0 or 1 the sender of a who-has is the source of the packet that waits, here the VIP; whoever hears the question notes the server's hardware address for the VIP (arp_process, net/ipv4/arp.c)
    .cure = set net.ipv4.conf.all.arp_announce = 2 on the real server

cause-arp-filtered = arptables, arp_filter or arp_ignore keeps a host from answering for an address that it must answer for
    .happens = the question is heard and stays without an answer; the asker gives up after mcast_solicit questions and says host unreachable
    .cure = take the rule or the knob away on the host that has to answer

cause-arp-ignore-on-lo = arp_ignore is set on lo only
    .happens = the knob counts on the interface that hears the question: the larger of all and that interface; lo hears none, so the server answers for the VIP
    .cure = set net.ipv4.conf.all.arp_ignore = 1

cause-default-route-to-self = the default route leads to an address of the host itself
    .happens = a gateway that is local is refused, or the route is made of scope link and every far address is asked for on the wire, where nobody has it (fib_check_nh, net/ipv4/fib_semantics.c)
    .cure = give the address of the next router

cause-director-without-vip = no interface of the director has the VIP
    .happens = nobody answers who-has for the VIP, and a packet for it is not local to the director: IPVS never sees it
    .cure = ip addr add VIP/32 dev the interface towards the clients

cause-directors-differ = two directors have the same virtual service with other servers, modes, weights or schedulers
    .happens = whoever has the address serves by its own table: what worked before a takeover fails after it
    .cure = give both the same table (ipvsadm -S on one, ipvsadm -R on the other)

cause-dr-across-router = direct routing to a real server behind a router
    .happens = only the frame's destination is changed: the packet for the VIP goes to the router, which sends it back to whoever has the VIP, or drops it
    .cure = put the server into the director's segment, or use tunnelling (-i)

cause-duplicate-address = two hosts of one segment answer for one address
    .happens = both answer who-has, and the asker keeps the first answer
    .cure = give one of them another address, or hide it with arp_ignore

cause-filter-drops = a netfilter rule drops or refuses what belongs to the service
    .happens = the packet ends at the hook where the rule stands, before IPVS or the socket has it
    .cure = delete the rule, or accept the service before it

cause-health-loop = a health check puts a server back with another mode or weight
    .happens = ipvsadm -a without -m, -g or -i means direct routing with weight 1: the server returns unlike it left
    .cure = add it with the same mode and weight as before

cause-interface-down = an interface or a cable that the service needs is down
    .happens = nothing is received or sent there, and the routes through the interface are gone
    .cure = ip link set the interface up; give its routes back

cause-ip-forward = a host that must forward has ip_forward 0
    .happens = the packet is for another host and ends in ip_error (net/ipv4/route.c); translated answers of real servers end at the director
    .cure = sysctl -w net.ipv4.ip_forward=1

cause-lossy-link = a cable loses frames, or its queue is full
    .happens = TCP sends again, later each time, and gives up in the end
    .cure = set the link's loss to 0, or give it more bandwidth and queue

cause-mask-mismatch = two ends of a cable have masks that put them into different networks
    .happens = one of them has no route to the other, or sends to a router what its neighbour should have
    .cure = give both the same prefix length

cause-misspelt-knob = a sysctl that does not exist was typed
    .happens = sysctl and the shell print an error and go on; nothing is set
    .cure = spell it as `lvsim list sysctls` does

cause-mtu = packets that are too large for a cable on their way, perhaps only once they are wrapped
    .happens = with DF the director answers ICMP fragmentation needed with the smaller MTU; if that is lost or ignored, large packets never arrive while small ones do; a card or a switch port that gets more than its MTU drops it without a word
    .cure = let the ICMP through, raise the MTU of the path, or lower the MTU of the servers

cause-nat-gateway = the answers of a NAT real server do not return through the director
    .happens = the client gets an answer from the server's own address, which belongs to no connection, and resets it; or the answer finds no way at all
    .cure = make the director the server's default gateway

cause-nat-one-network = client and NAT real server are in one network
    .happens = the server answers the client directly, past the director; the client knows no such connection and resets
    .cure = route the client's network through the director and switch redirects off, or use direct routing

cause-nat-without-port = a real server was added with another port than its application listens at
    .happens = the packet reaches the server, where no socket is at that port: the connection is refused
    .cure = add the server with the port of its application

cause-no-route = a host has no route to what it must reach, or nobody has the next address
    .happens = a client reports network unreachable; a director drops the request and tells the client host unreachable (ip_route_output, net/ipv4/route.c)
    .cure = add a route, or spell the address right

cause-no-route-back = a host has no route for its answers
    .happens = the answer is not even made into a packet: ip_route_output finds nothing, or rp_filter refuses the request
    .cure = add a route to the client's network

cause-no-servers = a virtual service without a server that may be chosen
    .happens = every server is gone, has weight 0, or is overloaded: the scheduler finds none and the client is refused with ICMP port unreachable
    .cure = add a server, or give one a weight

cause-no-service = IPVS has no virtual service for what the clients ask
    .happens = the director takes the packet itself, where no socket is at that port: the connection is refused
    .cure = ipvsadm -A the address, protocol and port that the clients use

cause-not-listening = nothing listens at the real server's port
    .happens = the real server resets the connection, or answers ICMP port unreachable
    .cure = start the application there

cause-persistence-with-sh = persistence on a service whose scheduler hashes the source already
    .happens = the template decides for as long as it lives, and the hash is not asked
    .cure = take -p away, or use another scheduler

cause-port-mapping = direct routing or tunnelling to another port
    .happens = the packet goes to the server as it is: the port of the virtual service counts, the server's is ignored
    .cure = let the application listen at the virtual service's port, or use NAT (-m)

cause-real-server-without-vip = a DR or TUN real server does not have the VIP
    .happens = the packet for the VIP is not local there: it is forwarded, or dropped as not for this host
    .cure = ip addr add VIP/32 dev lo (or tunl0), with arp_ignore 1 and arp_announce 2

cause-rp-filter = strict rp_filter where the way back leads through another interface
    .happens = the larger of all and the interface counts; with 1 a packet whose source is not reached through the interface that it came by is dropped (__fib_validate_source)
    .cure = set net.ipv4.conf.all.rp_filter and that of the interface to 0, or to 2

cause-server-deleted = a server was deleted while connections to it were open
    .happens = an entry keeps its server after ipvsadm -d, -D or -C; with expire_nodest_conn 0 whatever comes for it is dropped without a word (ip_vs_in_hook, net/netfilter/ipvs/ip_vs_core.c), with 1 the entry ends, and the director itself resets the connection, as it does where no service is left
    .cure = instead of deleting it give it weight 0 (ipvsadm -e … -w 0), and delete it once it has no connections

cause-server-overloaded = a listener has no room for another connection
    .happens = the SYN or the last ACK of the handshake is dropped (tcp_conn_request, tcp_v4_syn_recv_sock)
    .cure = add servers, workers or backlog

cause-stale-neighbour = a wrong hardware address for the VIP was learnt before it was hidden
    .happens = an entry that is used stays: it is confirmed by unicast, which the wrong host answers as long as it has the address and arp_ignore lets it; traffic follows the entry
    .cure = set the sysctls before the VIP, or announce the VIP from the director: arping -U

cause-template-over-weight = a persistence template sends clients to a server with weight 0
    .happens = a template that lives decides before the scheduler and its weights are asked, and every connection that it takes prolongs it; with expire_quiescent_template 0 weight 0 does not end it (ip_vs_check_template, net/netfilter/ipvs/ip_vs_conn.c)
    .cure = sysctl -w net.ipv4.vs.expire_quiescent_template=1

cause-tunnel-down = no tunnel device that is up takes the wrapped packets
    .happens = a tunl0 that is down takes nothing, and the server answers ICMP port unreachable (tunnel4_rcv, net/ipv4/tunnel4.c); the director passes that on, and the client is refused
    .cure = modprobe ipip; ip link set tunl0 up

cause-unowned-address = nobody has an address that packets are sent to
    .happens = it is asked for mcast_solicit times, then the packet is dropped and the sender told: host unreachable
    .cure = name the right address, or give it to the host that is meant

cause-vip-mask = the VIP stands on lo with a mask wider than /32
    .happens = every address of that network becomes local: answers to clients in it go nowhere, and the host answers for all of them
    .cure = ip addr add VIP/32 dev lo

cause-vip-not-hidden = a real server answers who-has for the VIP
    .happens = with arp_ignore 0 a host answers for any of its addresses on any interface, with 1 still for those of the interface that hears the question; whoever takes its answer sends to it, past the director
    .cure = set net.ipv4.conf.all.arp_ignore = 1, and only then add the VIP, on lo

cause-vrid-duplicate = two groups of keepalived use one virtual router id in one segment
    .happens = each hears the other's advertisements and takes them for its own group's
    .cure = give each group its own virtual_router_id

cause-weight-ignored = weights on a scheduler that does not look at them
    .happens = rr and lc take only weight 0 into account: all others count the same
    .cure = use wrr or wlc

cause-wrong-mode = a real server was added in a mode that it is not set up for
    .happens = -g sends the packet as it is to a host without the VIP, -m translates for a host whose answers do not come back, -i wraps for a host without a tunnel
    .cure = ipvsadm -e the server with the mode that it is set up for
