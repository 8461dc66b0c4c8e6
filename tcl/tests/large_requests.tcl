# Large requests go through the log in parts: others are answered meanwhile,
# nobody loses the leadership, and whoever dies, the request is executed once.
# Long replies are written in parts, as they are read.

set large_value [string repeat "0123456789abcdef" [expr {3 * 512 * 1024}]]
set large_size [string length $large_value]

# Sends a command in the background; ::large_reply gets the first line of its
# reply, ::large_sent the moment at which all of it has left this process.
proc large_start {id args} {
    set fd [socket 127.0.0.1 $::nodes($id,port)]
    fconfigure $fd -translation binary -blocking 0 -buffersize 1000000
    set ::large_reply ""
    fileevent $fd readable [list large_line $fd]
    puts -nonewline $fd "*[llength $args]\r\n"
    foreach word $args {
        puts -nonewline $fd "\$[string length $word]\r\n$word\r\n"
    }
    flush $fd
    return $fd
}

proc large_line {fd} {
    if {[gets $fd line] >= 0} {
        set ::large_reply [string trimright $line \r]
    } elseif {[eof $fd]} {
        set ::large_reply "closed"
    }
    if {$::large_reply ne ""} {close $fd}
}

proc large_wait {} {
    wait_for_condition 60000 {$::large_reply ne ""}
    return $::large_reply
}

# How many commands of another client are answered from the moment at which
# all of the large one has left until it is answered.
proc answered_meanwhile {id fd args} {
    while {$::large_reply eq "" && [chan pending output $fd] > 0} {pause 1}
    set count 0
    while {$::large_reply eq ""} {
        R $id {*}$args
        incr count
    }
    return $count
}

proc terms {} {
    lmap id $cluster::ids {info_of $id raft_term}
}

# Asks for the long value and takes none of it.
proc reader_start {id args} {
    set fd [socket 127.0.0.1 $::nodes($id,port)]
    fconfigure $fd -translation binary -blocking 0
    puts -nonewline $fd "CLIENT SETNAME reader\r\n[join $args]\r\n"
    flush $fd
    wait_for_condition 10000 {[gets $fd line] >= 0}
    assert_equal +OK\r $line
    wait_for_condition 10000 {[gets $fd line] >= 0}
    assert_equal "\$$::large_size\r" $line
    return $fd
}

proc reader_finish {fd} {
    fconfigure $fd -blocking 1
    set value [read $fd $::large_size]
    set rest [read $fd 2]
    close $fd
    assert_equal \r\n $rest
    return $value
}

proc reader_memory {id} {
    foreach line [split [R $id CLIENT LIST] \n] {
        if {[string match "* name=reader *" $line] &&
            [regexp {tot-mem=(\d+)} $line - bytes]} {return $bytes}
    }
    return 0
}

start_cluster 3 {} {
    set lead [wait_for_leader]
    lassign [followers $lead] one two

    foreach {home role} [list $one follower $lead leader] {
        test "others are answered while a $role has a large request" {
            set before [terms]
            foreach other [list $home $two] {
                set fd [large_start $home SET big $large_value]
                set count [answered_meanwhile $other $fd INCR n]
                assert_equal +OK $::large_reply
                assert {$count >= 10} "$count answers"
            }
            assert_equal $before [terms]
            assert_equal $large_size [R $two STRLEN big]
        }
    }

    test "what comes after it in its connection is executed after it" {
        set c [node_client $one]
        $c -send SET order 1
        $c -send APPEND order $large_value
        $c -send STRLEN order
        $c -send APPEND order 2
        $c -send GETRANGE order -3 -1
        set replies [lmap _ {1 2 3 4 5} {$c -read}]
        set n [expr {$large_size + 1}]
        assert_equal [list OK $n $n [expr {$n + 1}] ef2] $replies
        $c -close
    }

    test "a client that dies in the middle leaves nothing behind" {
        set fd [large_start $one SET never $large_value]
        pause 1
        chan configure $fd -blocking 0
        catch {chan close $fd}
        R $one SET after v
        assert_equal v [R $two GET after]
        foreach other $cluster::ids {
            assert {[R $other EXISTS never] in {0 1}}
        }
    }

    test "two at a time, through the same node" {
        set c [node_client $one]
        $c -send APPEND both $large_value
        set fd [large_start $one APPEND both $large_value]
        assert_match ":*" [large_wait]
        $c -read
        $c -close
        assert_equal [expr {2 * $large_size}] [R $two STRLEN both]
    }

    test "a reply that nobody takes is not kept in memory" {
        R $one SET long $large_value
        foreach command {{GET long} {GETRANGE long 0 -1}} {
            set fd [reader_start $one {*}$command]
            wait_for_condition 5000 {[reader_memory $one] > 0}
            assert {[reader_memory $one] < 8000000} [reader_memory $one]
            assert_equal 1 [string equal $large_value [reader_finish $fd]]
        }
    }

    foreach {what command} {
        replaced {SET long short} changed {SETRANGE long 0 xyz}
        extended {APPEND long xyz} deleted {DEL long} flushed FLUSHALL
    } {
        test "it is what it was when it was asked for: $what" {
            R $one SET long $large_value
            set fd [reader_start $one GET long]
            R $two {*}$command
            R $one SET long "something else"
            assert_equal 1 [string equal $large_value [reader_finish $fd]]
        }
    }

    test "a reader that goes in the middle" {
        R $one SET long $large_value
        close [reader_start $one GET long]
        wait_for_condition 10000 {[reader_memory $one] == 0}
        R $one SET long short
        assert_equal short [R $one GET long]
    }

    test "kill -9 of the leader in the middle: executed once" {
        set index [info_of $one raft_applied_index]
        set fd [large_start $one APPEND killed $large_value]
        wait_for_condition 30000 {
            [info_of $one raft_applied_index] > $index + 10
        }
        assert_equal "" $::large_reply
        kill_node $lead
        assert_equal :$large_size [large_wait]
        set tail [R $two GETRANGE killed -20 -1]
        assert_equal "cdef0123456789abcdef" $tail
        restart_node $lead
        wait_for_leader
        wait_for_same_state
        assert_equal $large_size [R $lead STRLEN killed]
    }

    test "kill -9 of its node in the middle: not executed, nothing left" {
        set leader [wait_for_leader]
        set home [lindex [followers $leader] 0]
        set index [info_of $leader raft_applied_index]
        set fd [large_start $home SET lost $large_value]
        wait_for_condition 30000 {
            [info_of $leader raft_applied_index] > $index + 10
        }
        assert_equal "" $::large_reply
        kill_node $home
        assert_equal closed [large_wait]
        restart_node $home
        assert_equal 0 [R $home EXISTS lost]
        R $home SET lost $large_value
        assert_equal $large_size [R $leader STRLEN lost]
        wait_for_same_state
    }
}
