# vardctl against nodes that do what a test says: what it sends again and what
# not, whom it believes, its exit statuses. (With real nodes: tools.tcl.)

namespace eval fake {
    variable heard;  # of each port: the commands, in order
    variable answer; # of each port: a script that gives the reply to $words
    variable meeting 1; # so many answer INFO when all of them have been asked
    variable met {};    # of those that wait: connection and reply
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
    if {[lindex $words 0] eq "INFO" && $fake::meeting > 1} {
        fake::meet $fd $reply
    } elseif {$reply eq "drop"} {
        close $fd
    } elseif {$reply ne ""} {
        puts -nonewline $fd $reply
    }
}

proc fake::meet {fd reply} {
    variable meeting
    variable met
    lappend met $fd $reply
    if {[llength $met] < 2 * $meeting} return
    foreach {fd reply} $met {puts -nonewline $fd $reply}
    set met {}
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
    return [run_answered $::vardctl {*}$args]
}

# With its standard output (1) or error (2) elsewhere.
proc ctl_redirected {number path args} {
    return [run_answered sh -c "exec \"\$@\" $number>$path" sh $::vardctl \
        {*}$args]
}

proc run_answered {args} {
    set fd [open [list | {*}$args 2>@1]]
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
    set begin [clock milliseconds]
    lassign [ctl [list $silent $good] --timeout 1 del quiet] status output
    assert_equal 4 $status $output
    assert {[clock milliseconds] - $begin >= 900} "seconds, not less"
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

test "one node that is up is enough: it names the others" {
    set other [fake::start {
        switch [lindex $words 0] {
            INFO {return [fake_info leader 4]}
            GET {return [bulk there]}
            default {return ":1\r\n"}
        }
    }]
    set named [fake::start [format {
        if {[lindex $words 0] eq "INFO"} {
            return [bulk "raft_node_id:1\r\nraft_role:follower\r\n\
                raft_term:4\r\nraft_node_4:client_address=127.0.0.1:%d,\
                link=up\r\n"]
        }
        return "-CLUSTERDOWN no leader\r\n"
    } $other]]
    assert_equal {0 there} [ctl $named get k]
    assert_equal {0 OK} [ctl $named del k]
    assert_equal {{DEL k}} [fake::heard $other DEL]
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

test "leadership is handed over to the member named, or to any" {
    set leader [leader_of_term 4]
    assert_equal {0 OK} [ctl $leader transfer]
    assert_equal {{RAFT TRANSFER}} [fake::heard $leader RAFT]
    assert_equal {0 OK} [ctl $leader transfer 3]
    assert_equal {{RAFT TRANSFER} {RAFT TRANSFER 3}} [fake::heard $leader RAFT]
}

test "a leader that does not hand over: refused, and it says why" {
    set stays [fake::start {
        if {[lindex $words 0] eq "INFO"} {return [fake_info leader 4]}
        return "-ERR this node leads already\r\n"
    }]
    lassign [ctl $stays transfer 4] status output
    assert_equal 5 $status $output
    assert_match "*ERR this node leads already*" $output
}

test "of two leaders status names the younger one" {
    set older [leader_of_term 4]
    set younger [leader_of_term 5]
    foreach order [list [list $older $younger] [list $younger $older]] {
        lassign [ctl $order status] status output
        assert_match "*leader 5 (127.0.0.1:$younger), term 5" $output
    }
}

# Those who do not answer take the time of one.
test "status, wait and transfer ask all nodes at once" {
    set five [lmap term {5 4 3 2 1} {leader_of_term $term}]
    set silent [lmap i {1 2 3} {fake::start {return ""}}]
    set fake::meeting 8
    set code [catch {
        lassign [ctl [concat $silent $five] status] status output
        assert_match "*leader 5 (127.0.0.1:[lindex $five 0]), term 5" $output
        assert_equal 3 [regexp -all {no answer in time} $output]
        set fake::meeting 5
        foreach command {{transfer 2} {wait leader 0}} {
            set fake::met {}
            lassign [ctl $five {*}$command] status output
            assert_equal 0 $status "$command: $output"
        }
    } message options]
    set fake::meeting 1
    set fake::met {}
    return -options $options $message
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
        {--cluster host:x get a} *not*list*HOST:PORT*host:x*
        {--cluster host:1,\[::1 status} *not*list*HOST:PORT*host:1,*
        {--cluster {} status} *not*list*HOST:PORT* {--cluster , get a} *list*
    } {
        lassign [ctl $quiet {*}$words] status output
        assert_equal 2 $status "$words: $output"
        assert_match $wanted $output $words
    }
    assert_equal {} $fake::heard($quiet)
    lassign [ctl $quiet help] status output
    assert_equal 0 $status
    assert_match "*usage: vardctl*Exit status:*" $output
    foreach word {-h --help} {
        assert_equal [list 0 $output] [ctl $quiet $word]
    }
    lassign [ctl $quiet version] status output
    assert_equal 0 $status
    assert_match "vardctl \[0-9]*" $output
    foreach word {-v --version} {
        assert_equal [list 0 $output] [ctl $quiet $word]
    }
    assert_equal {} $fake::heard($quiet)
    # The bounds of the time are allowed.
    assert_equal {0 value} [ctl $good --timeout 3600 get a]
}

test "each command has a help of its own, for which nothing is sent" {
    set quiet [fake::start {return "+OK\r\n"}]
    lassign [ctl $quiet help] status all
    set names [lmap {- name} [regexp -all -inline -line {^  ([a-z]+) } $all] {
        set name}]
    assert {[llength $names] >= 20} $names
    foreach name $names {
        lassign [ctl $quiet $name --help] status output
        assert_equal 0 $status "$name: $output"
        assert_match "usage: vardctl * $name*\n\n$name: *" $output
        assert {[string length $output] < 1200} "$name: $output"
        assert_equal [list 0 $output] [ctl $quiet help $name]
    }
    foreach {words wanted} {
        {wait --help} *caught-up* {add --help} *--learner* {status -h} *healthy*
        {add 127.0.0.1:1 --help} *--learner* {remove --force -h} *--force*
        {recover --help} *--cluster-id* {get --help} {*KEY*no such key*}
    } {
        lassign [ctl $quiet {*}$words] status output
        assert_equal 0 $status "$words: $output"
        assert_match $wanted $output $words
    }
    foreach {words wanted} {
        {help nosuch} *unknown*command*nosuch* {help get put} *number*arguments*
        {nosuch --help} *unknown*command*nosuch* {-h get} *
        {status --config x} {*before the command: --config*}
        {promote 1 --learner} {*unknown option --learner*}
        {get} {*wrong number of arguments for get*vardctl get --help*}
    } {
        lassign [ctl $quiet {*}$words] status output
        if {$words eq "-h get"} {assert_equal 0 $status} else {
            assert_equal 2 $status "$words: $output"}
        assert_match $wanted $output $words
    }
    assert_equal {} $fake::heard($quiet)
    # A value may look like an option.
    assert_equal {0 OK} [ctl $quiet put --help --help]
    assert_equal {0 OK} [ctl $quiet put key --help]
    assert_equal {{SET --help --help} {SET key --help}} [fake::heard $quiet SET]
}

test "what is wrong is said on standard error" {
    foreach words {{} nosuch {get} {--timeout 0 get a}} {
        lassign [ctl_redirected 2 /dev/null {*}$words] status output
        assert_equal {2 {}} [list $status $output] $words
        lassign [ctl_redirected 1 /dev/full {*}$words] status output
        assert_equal 2 $status $words
        assert_match "*vardctl*" $output
    }
}

test "an answer that cannot be written is not known, be it yes or no" {
    set angry [fake::start {
        if {[lindex $words 0] eq "INFO"} {return [fake_info leader 4]}
        return ":0\r\n"
    }]
    set dead [fake::start {return drop}]
    assert_equal 1 [lindex [ctl [list $lost $dead] status] 0]
    foreach {node words wanted} [list $good {put k v} 4 $good {get k} 4 \
        $lost status 4 $lost,127.0.0.1:$dead status 4 $good help 4 \
        $angry {cas k 1 2} 1] {
        lassign [ctl_redirected 1 /dev/full --cluster 127.0.0.1:$node \
            {*}$words] status output
        assert_equal $wanted $status "$words: $output"
        if {$wanted == 4} {
            assert_match "*the answer cannot be written*" $output
        }
    }
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
    # What is on the command line is meant.
    set ::env(VARD_CLUSTER) 127.0.0.1:$good
    set ::env(VARD_PASSWORD) secret
    set code [catch {ctl $guarded --password nearer del k2} result]
    unset ::env(VARD_CLUSTER) ::env(VARD_PASSWORD)
    assert_equal 0 $code $result
    assert_equal {0 OK} $result
    assert_equal {AUTH nearer} [lindex [fake::heard $guarded AUTH] end]
    assert_equal {{DEL k2}} [lsearch -all -inline [fake::heard $guarded DEL] \
        {DEL k2}]
}

test "a password on the command line is not seen by other users" {
    set silent [fake::start {return ""}]
    set fd [open [list | $vardctl --cluster 127.0.0.1:$silent \
        --password topsecret --timeout 2 get k 2>@1]]
    wait_for_condition 5000 {[llength [fake::heard $silent AUTH]] > 0}
    set words [read_file /proc/[pid $fd]/cmdline]
    catch {close $fd}
    assert_match "*--password*" $words
    assert_equal -1 [string first topsecret $words]
    assert_equal -1 [string first secret $words]
}
