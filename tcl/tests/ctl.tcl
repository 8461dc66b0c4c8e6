# vardctl against nodes that do what a test says: what it sends again and what
# not, whom it believes, its exit statuses. (With real nodes: tools.tcl.)

namespace eval fake {
    variable heard;  # of each port: the commands, in order
    variable answer; # of each port: a script that gives the reply to $words
}

# A node; `script` gives the reply to $words as it is on the wire, "drop" to
# close the connection, or "" to say nothing.
proc fake::start {script} {
    variable heard
    variable answer
    set fd [socket -server fake::accept -myaddr 127.0.0.1 0]
    set port [lindex [fconfigure $fd -sockname] 2]
    set heard($port) {}
    set answer($port) $script
    return $port
}

proc fake::accept {fd host port} {
    set own [lindex [fconfigure $fd -sockname] 2]
    fconfigure $fd -translation binary -blocking 0 -buffering none
    fileevent $fd readable [list fake::serve $fd $own]
}

# Requests are small, and each is sent as a whole.
proc fake::serve {fd port} {
    variable heard
    variable answer
    if {[catch {read $fd} request] || $request eq ""} {
        close $fd
        return
    }
    set words {}
    foreach {length word} [lrange [split [string map {\r\n \n} $request] \n] \
        1 end-1] {lappend words $word}
    lappend heard($port) $words
    set reply [apply [list words $answer($port)] $words]
    if {$reply eq "drop"} {
        close $fd
    } elseif {$reply ne ""} {
        puts -nonewline $fd $reply
    }
}

# The commands of one name that a node was sent.
proc fake::heard {port name} {
    variable heard
    return [lsearch -all -inline -index 0 $heard($port) $name]
}

proc bulk {text} {
    return "\$[string length $text]\r\n$text\r\n"
}

# INFO of a node; it has an id of its own if its term is.
proc fake_info {role term} {
    return [bulk "raft_node_id:$term\r\nraft_role:$role\r\nraft_term:$term\r\n"]
}

# Runs vardctl on these nodes; returns status and output.
proc ctl {ports args} {
    set cluster [join [lmap p $ports {set _ 127.0.0.1:$p}] ,]
    return [ctl_words --cluster $cluster {*}$args]
}

# Runs vardctl while the nodes answer.
proc ctl_words {args} {
    set fd [open [list | $::vardctl {*}$args 2>@1]]
    fconfigure $fd -blocking 0
    set ::ctl_output ""
    set ::ctl_done 0
    fileevent $fd readable [list apply {fd {
        append ::ctl_output [read $fd]
        if {[eof $fd]} {set ::ctl_done 1}
    }} $fd]
    set timer [after 30000 {set ::ctl_done late}]
    vwait ::ctl_done
    after cancel $timer
    assert_equal 1 $::ctl_done "vardctl does not end"
    fconfigure $fd -blocking 1
    set status 0
    if {[catch {close $fd} message options]} {
        set status [lindex [dict get $options -errorcode] 2]
    }
    return [list $status [string trim $::ctl_output]]
}

set lost [fake::start {
    if {[lindex $words 0] eq "INFO"} {return [fake_info leader 4]}
    return drop
}]
set good [fake::start {
    switch [lindex $words 0] {
        INFO {return [fake_info follower 4]}
        GET {return [bulk value]}
        default {return ":1\r\n"}
    }
}]

test "a write whose connection is lost is not sent again" {
    foreach {name command} {CAS {cas k old new} CAD {cad k old} DEL {del k}
        SET {put k v}} {
        lassign [ctl [list $lost $good] {*}$command] status output
        assert_equal 4 $status $output
        assert_match "*outcome unknown, it may have been executed*connection\
            closed*" $output
        assert_equal 1 [llength [fake::heard $lost $name]] $name
        assert_equal 0 [llength [fake::heard $good $name]] $name
    }
}

test "a read whose connection is lost is asked of the next node" {
    assert_equal {0 value} [ctl [list $lost $good] get k]
    assert_equal 1 [llength [fake::heard $lost GET]]
    assert_equal 1 [llength [fake::heard $good GET]]
}

test "a write that is not answered in time: unknown" {
    set silent [fake::start {
        if {[lindex $words 0] eq "INFO"} {return [fake_info leader 4]}
        return ""
    }]
    lassign [ctl [list $silent $good] --timeout 1 del quiet] status output
    assert_equal 4 $status $output
    assert_equal 1 [llength [fake::heard $silent DEL]]
    assert {{DEL quiet} ni [fake::heard $good DEL]}
}

test "a write that was refused goes to the next node" {
    set leaderless [fake::start {
        if {[lindex $words 0] eq "INFO"} {return [fake_info follower 4]}
        return "-CLUSTERDOWN no leader\r\n"
    }]
    assert_equal {0 OK} [ctl [list $leaderless $good] cas other 1 2]
    assert_equal {{CAS other 1 2}} [fake::heard $good CAS]
    lassign [ctl $leaderless --timeout 1 cas other 1 2] status output
    assert_equal 3 $status $output
    assert_match "*not executed: *no leader*" $output
}

test "an error is refused, a 0 is no" {
    set angry [fake::start {
        switch [lindex $words 0] {
            INFO {return [fake_info leader 4]}
            SET {return "-ERR no\r\n"}
            CAS {return ":0\r\n"}
            GET {return "\$-1\r\n"}
        }
    }]
    foreach {command wanted} {{put k v} 5 {cas k 1 2} 1 {get k} 1} {
        lassign [ctl $angry {*}$command] status output
        assert_equal $wanted $status "$command: $output"
    }
}

# A leader that was cut off has not heard of the next one.
proc leader_of_term {term} {
    return [fake::start [format {
        if {[lindex $words 0] eq "INFO"} {return [fake_info leader %d]}
        return "+OK\r\n"
    } $term]]
}

test "of two leaders the younger one is asked to hand over" {
    set older [leader_of_term 4]
    set younger [leader_of_term 5]
    foreach order [list [list $older $younger] [list $younger $older]] {
        assert_equal {0 OK} [ctl $order transfer 2]
    }
    assert_equal {} [fake::heard $older RAFT]
    assert_equal [lrepeat 2 {RAFT TRANSFER 2}] [fake::heard $younger RAFT]
}

test "of two leaders status names the younger one" {
    set older [leader_of_term 4]
    set younger [leader_of_term 5]
    foreach order [list [list $older $younger] [list $younger $older]] {
        lassign [ctl $order status] status output
        assert_match "*leader 5 (127.0.0.1:$younger), term 5" $output
    }
}

test "no leader to hand over" {
    lassign [ctl $good transfer] status output
    assert_equal 3 $status
    assert_match "*no leader is known*" $output
    set refusing [fake::start {return "-NOAUTH Authentication required.\r\n"}]
    lassign [ctl $refusing transfer] status output
    assert_equal 5 $status
    assert_match "*NOAUTH*VARD_PASSWORD*" $output
}

test "a leader that is gone when it is asked: unknown" {
    lassign [ctl $lost transfer] status output
    assert_equal 4 $status
    assert_match "*the leader did not answer*" $output
    assert_equal 1 [llength [fake::heard $lost RAFT]]
}

test "the command line: what is wrong is said, and nothing is sent" {
    set quiet [fake::start {return "+OK\r\n"}]
    foreach {words wanted} {
        {} *usage:* {nosuch} *unknown*command*nosuch* {get} *number*arguments*
        {get a b} *number*arguments* {transfer 1 2} *number*arguments*
        {--timeout 0 get a} *seconds*0* {--timeout 3601 get a} *seconds*
        {--timeout x get a} *seconds*x* {--nosuch 1 get a} *unknown*option*
        {--timeout} *no*value*--timeout* {status x} *number*arguments*
        {--config} *no*value*--config* {wait} *number*arguments*
        {wait nosuch} *nothing*wait*nosuch* {wait ready x} *seconds*x*
        {wait ready -1} *seconds*-1* {wait ready 3601} *seconds*
        {wait ready 1 2} *number*arguments*
    } {
        lassign [ctl $quiet {*}$words] status output
        assert_equal 2 $status "$words: $output"
        assert_match $wanted $output $words
    }
    assert_equal {} $fake::heard($quiet)
    lassign [ctl $quiet help] status output
    assert_equal 0 $status
    assert_match "*usage: vardctl*Exit status:*" $output
    assert_equal {} $fake::heard($quiet)
}

test "the cluster and the password may come from the environment" {
    set guarded [fake::start {
        switch [lindex $words 0] {
            AUTH {return "+OK\r\n"}
            INFO {return [fake_info leader 4]}
            default {return ":1\r\n"}
        }
    }]
    set ::env(VARD_CLUSTER) 127.0.0.1:$guarded
    set ::env(VARD_PASSWORD) secret
    set code [catch {ctl_words del k} result]
    unset ::env(VARD_CLUSTER) ::env(VARD_PASSWORD)
    assert_equal 0 $code $result
    assert_equal {0 OK} $result
    assert_equal {{AUTH secret}} [fake::heard $guarded AUTH]
    assert_equal {{DEL k}} [fake::heard $guarded DEL]
}
