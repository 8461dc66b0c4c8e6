# The peer port: what strangers send must not disturb the cluster.

proc peer_send {id bytes} {
    set fd [socket 127.0.0.1 $::nodes($id,peer)]
    fconfigure $fd -translation binary -blocking 0
    catch {
        puts -nonewline $fd $bytes
        flush $fd
    }
    return $fd
}

proc random_bytes {len} {
    set out ""
    for {set i 0} {$i < $len} {incr i} {
        append out [format %c [expr {int(rand() * 256)}]]
    }
    return $out
}

start_cluster 3 {peer-secret "hush"} {
    set lead [wait_for_leader]
    set term [info_of $lead raft_term]

    test "garbage of every kind, on every node" {
        # Two have the right header checksum: for their lengths, and no other.
        foreach id $cluster::ids {
            set open {}
            foreach bytes [list \
                "" "\n" "GET / HTTP/1.1\r\n\r\n" "*1\r\n\$4\r\nPING\r\n" \
                "vard" "vard\x01\x01\x00\x00\xff\xff\xff\xff" \
                "vard\x01\x04\x00\x00[binary format iiw 2147483647 0 0]" \
                "vard\x01\x04\x00\x00[binary format iiw 2147483647 0xe6d1e08f 0]" \
                "vard\x01\x01\x00\x00[binary format iiw 136 0x5f055dc1 0][string repeat \0 136]" \
                [string repeat vard 5000] [random_bytes 20000]] {
                lappend open [peer_send $id $bytes]
            }
            for {set i 0} {$i < 30} {incr i} {
                lappend open [peer_send $id "vard\x01[random_bytes 200]"]
            }
            pause 200
            assert_equal PONG [R $id PING]
            foreach fd $open {catch {close $fd}}
        }
    }

    test "many silent connections do not keep the members apart" {
        set open {}
        for {set i 0} {$i < 200} {incr i} {
            if {[catch {peer_send $lead ""} fd]} break
            lappend open $fd
        }
        for {set i 0} {$i < 20} {incr i} {
            foreach id $cluster::ids {R $id SET silent $i}
        }
        foreach fd $open {catch {close $fd}}
        assert_equal 19 [R $lead GET silent]
    }

    test "leader and term have not changed by it" {
        assert_equal $lead [wait_for_leader]
        assert_equal $term [info_of $lead raft_term]
    }

    test "a node without the secret stays outside" {
        set follow [lindex [followers $lead] 0]
        kill_node $follow TERM
        set saved $cluster::options
        set cluster::options {peer-secret wrong}
        start_node $follow 0
        pause 1500
        set cluster::options $saved
        assert {[catch {leader_agreed $cluster::ids} agreed] || !$agreed}
        R $lead SET without secret
        assert_equal $term [info_of $lead raft_term]
        kill_node $follow
        restart_node $follow
        wait_for_leader
        assert_equal secret [R $follow GET without]
    }
}
