# 运行的上限和警告。
limit-events = 事件数
limit-events-hint = 增大 --max-events，或者用 --until 缩短运行
limit-memory = 内存
limit-pending = { $n } 个待处理的帧和定时器
limit-memory-hint = 增大 --max-memory；自行增长的洪泛来自交换机或路由器的环路
limit-storm = 广播风暴
limit-storm-reached = { $switch } 在不同端口上听到同样的地址：帧在交换机之间打转
limit-storm-hint = lvsim 的交换机没有生成树：去掉交换机之间的一条线路
limit-time = 模拟时间
limit-setup = { $host } 的 run 块一小时内没有结束
limit-setup-hint = 结束循环，或者用 & 把它放到后台
warning-of = { $host }：{ $why }
warning-not-simulated = { $host }：{ $program } 是真实存在的程序，但 lvsim 不模拟它
warning-stored-only = { $host }：{ $path }={ $value } 已保存，但 lvsim 里没有什么依照它
warning-trace-full = 有 { $n } 条记录放不进跟踪：经过、抓包和记录提前结束；请增大 { $option }

# 各个命令自己说的话。
run-stopped = { $name }：达到上限（{ $what }）而停止：{ $reached }；{ $hint }
run-interrupted = { $name }：被中断；已有的结果不完整
wrote-files = 已写入 { $files }到 { $folder }
file-has = `{ $file }` 有 { $what }
file-in-order = { $file }：没有问题
setup-endless = `{ $file }`：设置阶段没有结束，无法检查：{ $why }
setup-endless-of = `{ $file }`：`{ $host }` 的设置阶段没有结束，无法检查：{ $why }
explain-happens = 后果
explain-mends = 修复
explain-wrong = 错误的写法
explain-right = 正确的写法
explain-see = 运行来看
explain-cause = 原因
explain-foretold = 由这些检查预示
explain-listed = { $code }（lvsim list causes）
explain-problem = { $code }：{ $what }（场景不能运行）
explain-warning = { $code }：{ $what }（不妨碍运行）
explain-head = { $code }：{ $title }
explain-no-code = 没有代码 `{ $code }`；{ $near }
explain-lists = 见 `lvsim list lints`、`lvsim list causes` 和 `lvsim list problems`
did-you-mean = 是不是想写 `{ $name }`？
has-others = 文件里另有 { $n } 个
there-are = 有 { $names }
what-then = { $what }；{ $then }
no-variable = 没有内核变量 `{ $name }`
is-no-host = `{ $name }` 不是主机
is-no-switch = `{ $name }` 不是交换机
order-too-few = `{ $host }` 上输入了 { $n } 条命令：没有什么顺序可排；文件里的 `sysctl:` 和地址不是命令，`run:` 和 `timeline:` 里的才是
test-expected = 第 { $line } 行：预期 { $expected }；实际 { $found }
test-broken-holds = 它应因 { $causes } 而出错，却全都成立
test-held = （{ $of } 条中 { $n } 条成立）
verdict-broken = 如期出错
verdict-nothing-expected = 无预期
verdict-ok = 通过
verdict-failed = 失败
verdict-invalid = 无效
verdict-stopped = 停止
verdict-interrupted = 中断
verdict-error = 错误
verdict-passed = 通过
count-of-verdict = { $n } 个{ $verdict }
test-summary = { $scenarios }：{ $verdicts }

# lvsim new 的模板。
template-nat = 网络地址转换：请求和应答都经过调度器
template-dr = 直接路由：同一个网络，应答直接回到客户端
template-tun = IP 隧道：请求装进另一个报文，应答直接回到客户端
template-arp-problem = 直接路由，一台真实服务器对 VIP 应答了 ARP，于是独占全部流量
template-persistence = 客户端留在自己的服务器上：-p、模板、以及模板何时消失
template-firewall-marks = iptables 给两个端口打标记，IPVS 把它们合成一个持久服务
template-health-check = 调度器上的脚本把不应答的服务器权重设为 0
template-compare = 会排队的服务器，其中一台较慢：用来比较调度算法
new-no-name = `{ $name }` 不能作名字：只能用字母、数字和 `-`；文件名是 NAME.yaml
new-there-already = `{ $file }` 已经存在；加 --force 可以覆盖
wrote-next = 已写入 { $file }；下一步：lvsim run { $file }

# lvsim break 的练习。
break-title = 这里哪里不对？（{ $title }）
break-worked = 这个实验原来是好的。现在改了其中{ $n ->
    [1] 一处
   *[other] 两处
}，最后的结果就不再符合预期。
break-asks = 错在哪里？最少改什么就能修好？
break-look = 可以先看：
break-look-expectations = 不成立的预期，以及第一个失败的连接。
break-look-why = `lvsim why FILE` 会说出答案。
break-fails-already = `{ $file }` 本来就不正常：{ $fails } 不成立
break-expects-nothing = `{ $file }` 没有写任何预期；请在 `expect` 下写出应有的结果
break-no-slip = 难度 { $difficulty } 的失误都弄不坏 `{ $file }`；请换一个难度
