# The protocol of Verdi's vard, by a client written from its description:
# frames of a little-endian length and text; first the client's id (32 hex
# digits), then "REQUEST COMMAND KEY ARG ARG" with "-" for none; answers are
# "Response REQUEST KEY VALUE OLD" and "NotLeader REQUEST".

namespace eval original {}

proc original::connect {id client_id} {
    set fd [socket 127.0.0.1 $::nodes($id,port)]
    fconfigure $fd -translation binary -blocking 1
    send $fd $client_id
    return $fd
}

proc original::send {fd text} {
    puts -nonewline $fd [binary format ia* [string length $text] $text]
    flush $fd
}

proc original::receive {fd} {
    resp::wait_readable $fd
    if {[binary scan [read $fd 4] i len] != 1} {error "connection closed"}
    return [read $fd $len]
}

proc original::ask {fd args} {
    send $fd [join $args " "]
    return [string trim [receive $fd]]
}

proc hex_id {n} {
    return [format %032x $n]
}

start_cluster 3 {} {
    set lead [wait_for_leader]
    set follow [lindex [followers $lead] 0]

    foreach {where id number} [list leader $lead 16 follower $follow 32] {
        test "GET PUT CAS CAD DEL ($where)" {
            set fd [original::connect $id [hex_id $number]]
            set k key$number
            foreach {request reply} [string map [list K $k] {
                "1 GET K - -" "Response 1 K - -"
                "2 PUT K v1 -" "Response 2 K v1 -"
                "3 GET K - -" "Response 3 K v1 v1"
                "4 PUT K v2 -" "Response 4 K v2 v1"
                "5 CAS K v2 v3" "Response 5 K v3 v2"
                "6 CAS K v2 v4" "Response 6 K v3 v3"
                "7 CAD K nope -" "Response 7 K v3 v3"
                "8 CAD K v3 -" "Response 8 K - v3"
                "9 GET K - -" "Response 9 K - -"
                "10 PUT K a/B9 -" "Response 10 K a/B9 -"
                "11 DEL K - -" "Response 11 K - a/B9"
                "12 CAS K - new" "Response 12 K new -"
                "13 CAS K - newer" "Response 13 K new new"
                "14 DEL K - -" "Response 14 K - new"
            }] {
                assert_equal $reply [original::ask $fd {*}$request] $request
            }
            close $fd
        }
    }

    test "a request asked again, on another node, has its first answer" {
        set fd [original::connect $lead [hex_id 77]]
        assert_equal "Response 1 twice a -" [original::ask $fd 1 PUT twice a -]
        assert_equal "Response 2 twice b a" [original::ask $fd 2 PUT twice b -]
        close $fd
        set fd [original::connect $follow [hex_id 77]]
        assert_equal "Response 2 twice b a" [original::ask $fd 2 PUT twice b -]
        assert_equal "Response 3 twice b b" [original::ask $fd 3 GET twice - -]
        close $fd
        assert_equal b [R $follow GET twice]
    }

    test "Redis clients see the same keys" {
        R $follow SET shared fromredis
        set fd [original::connect $lead [hex_id 99]]
        assert_equal "Response 1 shared fromredis fromredis" \
            [original::ask $fd 1 GET shared - -]
        close $fd
    }

    test "several requests at once are answered in order" {
        set fd [original::connect $follow [hex_id 123]]
        for {set i 1} {$i <= 200} {incr i} {
            puts -nonewline $fd [binary format ia* \
                [string length "$i PUT many v$i -"] "$i PUT many v$i -"]
        }
        flush $fd
        for {set i 1} {$i <= 200} {incr i} {
            assert_match "Response $i many v$i *" \
                [string trim [original::receive $fd]]
        }
        close $fd
    }

    test "what is not a request closes the connection, not the node" {
        foreach text {"x" "1 WHAT k - -" "1 GET" "1 PUT bad\nkey v -"
            "-1 GET k - -" "1 PUT k v! -"} {
            set fd [original::connect $lead [hex_id 555]]
            catch {
                original::send $fd $text
                original::receive $fd
            }
            close $fd
            assert_equal PONG [R $lead PING] $text
        }
        foreach start {"\x20\x00\x00\x00zz" "\x20\x00\x00\x00ABCDEF"
            "\xff\xff\xff\x7f"} {
            set fd [socket 127.0.0.1 $nodes($lead,port)]
            fconfigure $fd -translation binary
            puts -nonewline $fd "$start[string repeat z 40]"
            catch {close $fd}
            assert_equal PONG [R $lead PING]
        }
    }

    test "the client's requests survive the leader's death" {
        set fd [original::connect $follow [hex_id 4711]]
        original::ask $fd 1 PUT survive one -
        kill_node $lead
        assert_equal "Response 2 survive two one" \
            [original::ask $fd 2 PUT survive two -]
        close $fd
        restart_node $lead
        wait_for_leader
    }
}

test "the options of Verdi's vard: -me -port -dbpath -node" {
    set base $::env(VARD_TEST_DIR)/original
    set pids {}
    foreach id {0 1 2} {
        set port($id) [free_port]
        set peer($id) [free_port]
        file mkdir $base/$id
    }
    foreach id {0 1 2} {
        set words {}
        foreach other {0 1 2} {
            lappend words -node $other,127.0.0.1:$peer($other)
        }
        lappend pids [start_process $base/$id.log $vard -me $id \
            -port $port($id) -dbpath $base/$id {*}$words]
    }
    wait_for_condition 20000 {![catch {
        set c [resp::connect 127.0.0.1 $port(1)]
        $c SET k v
    } message]} {error "$message [read_file $base/1.log]"}
    set other [resp::connect 127.0.0.1 $port(2)]
    assert_equal v [$other GET k]
    $c -close
    $other -close
    foreach pid $pids {signal_process $pid TERM}
    foreach pid $pids {wait_process_end $pid 15000}
    foreach id {0 1 2} {assert_equal {} [crash_lines $base/$id.log]}
    assert_match "*password*" [read_file $base/0.log]
}
