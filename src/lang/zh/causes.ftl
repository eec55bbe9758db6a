# 文件有效、实验却不通的各种原因。消息本身说错在哪里，`.happens` 说随后会发生什么、依据内核的哪条规则，`.cure` 说怎样修复。

cause-answers-through-director = DR 或 TUN 模式的真实服务器把应答发回了调度器
    .happens = 应答的源地址是 VIP，而 VIP 正是调度器自己的地址：源地址是本机地址的报文会被当作 martian 丢弃（__fib_validate_source，net/ipv4/fib_frontend.c）
    .cure = 把服务器的网关改为别的路由器，或者改用 NAT（-m）

cause-arp-announce = 真实服务器用 VIP 作为发送方地址去查询邻居
    .happens = arp_announce 为 0 或 1 时，ARP 查询里的发送方地址取自等待发送的报文的源地址，这里就是 VIP；听到查询的主机会把这台服务器的 MAC 地址记到 VIP 名下（arp_process，net/ipv4/arp.c）
    .cure = 在真实服务器上设置 net.ipv4.conf.all.arp_announce = 2

cause-arp-filtered = 主机本应为某个地址应答，却被 arptables、arp_filter 或 arp_ignore 拦住
    .happens = 查询听到了，却没有应答；查询方问过 mcast_solicit 次后放弃，报告 host unreachable
    .cure = 在应当应答的主机上去掉这条规则或这个参数

cause-arp-ignore-on-lo = arp_ignore 只设在了 lo 上
    .happens = 起作用的是听到查询的那个接口：取 all 与该接口中较大的值；lo 听不到任何查询，所以服务器照样为 VIP 应答
    .cure = 设置 net.ipv4.conf.all.arp_ignore = 1

cause-default-route-to-self = 默认路由指向主机自己的地址
    .happens = 本机地址作网关会被拒绝，或者路由变成 scope link，于是每个远端地址都在本网段上查询，而那里没有谁有这些地址（fib_check_nh，net/ipv4/fib_semantics.c）
    .cure = 写下一跳路由器的地址

cause-director-without-vip = 调度器的任何接口上都没有 VIP
    .happens = 没有谁为 VIP 应答 ARP 查询；发往 VIP 的报文对调度器来说也不是本机的：IPVS 根本看不到它
    .cure = 执行 ip addr add VIP/32 dev 面向客户端的接口

cause-directors-differ = 两台调度器有相同的虚拟服务，但服务器、模式、权重或调度算法不同
    .happens = 谁持有地址，就按谁自己的表来服务：切换之前正常的，切换之后就不通
    .cure = 让两边的表相同（在一台上 ipvsadm -S，在另一台上 ipvsadm -R）

cause-dr-across-router = 直接路由（DR）的真实服务器在路由器后面
    .happens = DR 只改帧的目的 MAC 地址：发往 VIP 的报文到了路由器，路由器要么把它送回持有 VIP 的主机，要么丢弃
    .cure = 把服务器放到调度器所在的网段，或者改用隧道（-i）

cause-duplicate-address = 同一网段里有两台主机为同一个地址应答
    .happens = 两台都应答 ARP 查询，查询方采用先到的应答
    .cure = 给其中一台换个地址，或者用 arp_ignore 把地址隐藏起来

cause-filter-drops = netfilter 规则丢弃或拒绝了属于该服务的报文
    .happens = 报文止于规则所在的钩子，还没有到 IPVS 或套接字
    .cure = 删除这条规则，或者在它之前放行该服务

cause-health-loop = 健康检查把服务器加回来时，模式或权重变了
    .happens = ipvsadm -a 不带 -m、-g 或 -i 就是直接路由、权重 1：回来的服务器与离开时不同
    .cure = 加回来时用与原来相同的模式和权重

cause-interface-down = 服务所需的接口或线路没有启用
    .happens = 那里既不收也不发，经过该接口的路由也随之消失
    .cure = 用 ip link set 启用该接口，再把它的路由加回来

cause-ip-forward = 必须转发的主机，其 ip_forward 为 0
    .happens = 报文是发给别的主机的，止于 ip_error（net/ipv4/route.c）；真实服务器的应答经地址转换后也止于调度器
    .cure = sysctl -w net.ipv4.ip_forward=1

cause-lossy-link = 线路丢帧，或者其队列已满
    .happens = TCP 会重传，间隔一次比一次长，最后放弃
    .cure = 把线路的 loss 设为 0，或者加大它的 bandwidth 和 queue

cause-mask-mismatch = 线路两端的掩码使它们落在不同的网络
    .happens = 一端没有到另一端的路由，或者把本该直接给邻居的报文交给了路由器
    .cure = 让两端的前缀长度相同

cause-misspelt-knob = 输入了不存在的 sysctl
    .happens = sysctl 和 shell 报一行错误就继续往下执行；什么也没有设上
    .cure = 按 `lvsim list sysctls` 的拼写来写

cause-mtu = 报文对途中某段线路来说太大，也许是封装之后才太大
    .happens = 有 DF 时，调度器回送 ICMP fragmentation needed，并告知较小的 MTU；如果这条消息丢了或被忽略，大报文就永远到不了，小报文却正常；网卡或交换机端口收到超过其 MTU 的报文，则不声不响地丢弃
    .cure = 放行这种 ICMP，增大路径的 MTU，或者减小服务器的 MTU

cause-nat-gateway = NAT 模式的真实服务器，其应答没有经过调度器返回
    .happens = 客户端收到的应答来自服务器自己的地址，不属于任何连接，于是回 RST；或者应答根本无路可走
    .cure = 把服务器的默认网关设为调度器（DIP）

cause-nat-one-network = 客户端与 NAT 模式的真实服务器在同一网络
    .happens = 服务器绕过调度器，直接应答客户端；客户端不认识这样的连接，回 RST
    .cure = 让去往客户端网络的路由经过调度器并关闭 ICMP 重定向，或者改用直接路由

cause-nat-without-port = 添加真实服务器时写的端口不是其应用监听的端口
    .happens = 报文到了服务器，但那个端口上没有套接字：连接被拒绝
    .cure = 添加服务器时写应用的端口

cause-no-route = 主机没有到目标的路由，或者没有谁拥有下一跳地址
    .happens = 客户端报告 network unreachable；调度器则丢弃请求，并通知客户端 host unreachable（ip_route_output，net/ipv4/route.c）
    .cure = 加一条路由，或者把地址写对

cause-no-route-back = 主机没有路由来发送应答
    .happens = 应答连报文都没有生成：ip_route_output 找不到路由，或者请求被 rp_filter 拒绝
    .cure = 加一条到客户端网络的路由

cause-no-servers = 虚拟服务没有可选的真实服务器
    .happens = 服务器要么都已删除，要么权重为 0，要么过载：调度算法一台也找不到，客户端收到 ICMP port unreachable 而被拒绝
    .cure = 添加一台服务器，或者给某台一个权重

cause-no-service = IPVS 没有客户端所请求的虚拟服务
    .happens = 调度器自己收下报文，而那个端口上没有套接字：连接被拒绝
    .cure = 用 ipvsadm -A 添加客户端所用的地址、协议和端口

cause-not-listening = 真实服务器的端口上没有程序监听
    .happens = 真实服务器回 RST，或者回 ICMP port unreachable
    .cure = 在那里启动应用

cause-persistence-with-sh = 服务设了持久连接，而其调度算法本来就按源地址散列
    .happens = 持久模板存在期间由模板决定，散列根本不起作用
    .cure = 去掉 -p，或者换一种调度算法

cause-port-mapping = 直接路由或隧道模式下指定了另一个端口
    .happens = 报文原样送到服务器：算数的是虚拟服务的端口，服务器的端口被忽略
    .cure = 让应用监听虚拟服务的端口，或者改用 NAT（-m）

cause-real-server-without-vip = DR 或 TUN 模式的真实服务器没有配 VIP
    .happens = 发往 VIP 的报文在那里不是本机的：要么被转发，要么因为不是发给本机的而被丢弃
    .cure = ip addr add VIP/32 dev lo（或 tunl0），并设 arp_ignore 为 1、arp_announce 为 2

cause-rp-filter = 回程走的是另一个接口，而 rp_filter 是严格模式
    .happens = 取 all 与接口中较大的值；为 1 时，如果到源地址的路不经过报文进来的接口，报文就被丢弃（__fib_validate_source）
    .cure = 把 net.ipv4.conf.all.rp_filter 和该接口的 rp_filter 都设为 0，或者设为 2

cause-server-deleted = 服务器上还有连接，就被删除了
    .happens = 执行 ipvsadm -d、-D 或 -C 之后，连接表项仍指向原来的服务器；expire_nodest_conn 为 0 时，这些连接的报文会被悄悄丢弃（ip_vs_in_hook，net/netfilter/ipvs/ip_vs_core.c）；为 1 时表项被删除，由调度器自己回 RST，一个服务也不剩时也是这样
    .cure = 先不要删除，把权重设为 0（ipvsadm -e … -w 0），等它的连接都结束了再删除

cause-server-overloaded = 监听套接字容不下更多的连接
    .happens = SYN 或握手的最后一个 ACK 被丢弃（tcp_conn_request，tcp_v4_syn_recv_sock）
    .cure = 增加服务器、workers 或 backlog

cause-stale-neighbour = VIP 在隐藏之前，错误的 MAC 地址已经被学到
    .happens = 一直在用的表项不会消失：它靠单播查询来确认，而错的那台主机只要还有这个地址、arp_ignore 又允许，就会应答；流量跟着表项走
    .cure = 先设 sysctl 再配 VIP，或者由调度器通告 VIP：arping -U

cause-template-over-weight = 持久模板仍把客户端送到权重为 0 的服务器
    .happens = 模板存在期间由它决定，不问调度算法，也不看权重，而且每个新连接都会延长它的寿命；expire_quiescent_template 为 0 时，权重设为 0 也不会使模板失效（ip_vs_check_template，net/netfilter/ipvs/ip_vs_conn.c）
    .cure = sysctl -w net.ipv4.vs.expire_quiescent_template=1

cause-tunnel-down = 没有已启用的隧道设备来接收封装后的报文
    .happens = tunl0 未启用时什么也不收，服务器回送 ICMP port unreachable（tunnel4_rcv, net/ipv4/tunnel4.c）；调度器把它转给客户端，客户端的连接被拒绝
    .cure = modprobe ipip; ip link set tunl0 up

cause-unowned-address = 报文发往的地址，谁也没有
    .happens = 查询 mcast_solicit 次之后丢弃报文，并通知发送方：host unreachable
    .cure = 把地址写对，或者给该有它的主机配上

cause-vip-mask = lo 上的 VIP，其掩码比 /32 宽
    .happens = 那个网络的所有地址都成了本机地址：发给其中客户端的应答哪儿也去不了，而且主机会为所有这些地址应答 ARP
    .cure = ip addr add VIP/32 dev lo

cause-vip-not-hidden = 真实服务器为 VIP 应答了 ARP 查询
    .happens = arp_ignore 为 0 时，主机在任何接口上都为自己的任何地址应答；为 1 时，仍为收到查询的那个接口上的地址应答；采用这个应答的主机就把报文直接发给它，绕过了调度器
    .cure = 先设置 net.ipv4.conf.all.arp_ignore = 1，再把 VIP 配到 lo 上

cause-vrid-duplicate = 同一网段里有两组 keepalived 用了同一个 virtual_router_id
    .happens = 每一组都听到另一组的通告，并当成自己组的
    .cure = 给每一组各自的 virtual_router_id

cause-weight-ignored = 设了权重，但所用的调度算法不看权重
    .happens = rr 和 lc 只关心权重是否为 0：其余的一律同等对待
    .cure = 改用 wrr 或 wlc

cause-wrong-mode = 添加真实服务器时用的模式，与它的配置不符
    .happens = -g 把报文原样送给没有 VIP 的主机；-m 做了地址转换，但主机的应答不回来；-i 做了封装，但主机没有隧道
    .cure = 用 ipvsadm -e 把该服务器改成它所配置的模式
