#!/bin/bash
VIP=192.168.1.200
ip addr add $VIP/32 dev eth0
ipvsadm -A -t $VIP:80 -s wrr
ipvsadm -a -t $VIP:80 -r 192.168.1.198 -g -w 1
ipvsadm -a -t $VIP:80 -r 192.168.1.197 -g -w 2
