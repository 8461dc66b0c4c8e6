# Real processes: one server or a cluster, in directories of their own, on
# ports that are free. Whatever happens, cluster_end stops them by pid.
#
# State: ::nodes(ID,what) with what in port peer dir pid log conf.

namespace eval cluster {
    variable ids {}
    variable directory ""
    variable pids {}
    variable options {}
    variable next_directory 0
}

# --- ports ---------------------------------------------------------------

# One of the range that run.tcl has given to this file.
proc free_port {} {
    variable taken_ports
    lassign $::env(VARD_TEST_PORTS) first count
    while 1 {
        set port [expr {$first + int(rand() * $count)}]
        if {[info exists taken_ports($port)]} continue
        if {[catch {socket -server {apply {args {}}} -myaddr 127.0.0.1 $port} \
                fd]} continue
        close $fd
        set taken_ports($port) 1
        return $port
    }
}

# --- processes -----------------------------------------------------------

# Running, and not a zombie. The first thread may be one while another still
# waits for the disk, and holds files and locks.
proc process_alive {pid} {
    if {[catch {
        set fd [open /proc/$pid/stat]
        set stat [read $fd]
        close $fd
    }]} {
        return 0
    }
    set state [lindex [string range $stat [string last ) $stat]+1 end] 0]
    if {$state ni {Z X}} {return 1}
    return [expr {[llength [glob -nocomplain /proc/$pid/task/*]] > 1}]
}

# Background children of Tcl are reaped at the next exec. They die with the
# process that started them, however that ends.
proc start_process {log args} {
    set pid [exec setpriv --pdeathsig KILL {*}$args >>& $log < /dev/null &]
    lappend cluster::pids $pid
    set fd [open $::env(VARD_TEST_DIR)/pids a]
    puts $fd $pid
    close $fd
    return $pid
}

# A process that writes what a supervisor is told on this socket, a line a
# message, until nothing is told for five minutes.
proc start_supervisor {file path} {
    set pid [start_process $file python3 -c {
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
s.settimeout(300)
while True:
    print(s.recv(4096).decode().replace("\n", ";"), flush=True)
} $path]
    wait_for_condition 10000 {[file exists $path]}
    return $pid
}

proc signal_process {pid signal} {
    catch {exec kill -$signal $pid}
}

proc wait_process_end {pid timeout_ms} {
    wait_for_condition $timeout_ms {![process_alive $pid]} [list \
        error "process $pid does not end within $timeout_ms ms"]
}

# --- nodes ---------------------------------------------------------------

# Text of a node's configuration; options override by name.
proc node_config {id} {
    array set option {
        bind 127.0.0.1 loglevel notice min-free-disk 1mb
    }
    set option(port) $::nodes($id,port)
    set option(dir) $::nodes($id,dir)
    if {$::traced} {set option(trace-file) $::nodes($id,trace)}
    array set option $cluster::options
    set text ""
    if {[llength $cluster::ids] > 1} {
        append text "node-id $id\n"
        foreach other $cluster::ids {
            append text "node $other 127.0.0.1:$::nodes($other,peer)\
                127.0.0.1:$::nodes($other,port)\n"
        }
    }
    foreach name [lsort [array names option]] {
        append text "$name $option($name)\n"
    }
    return $text
}

proc write_file {path text} {
    set fd [open $path w]
    puts -nonewline $fd $text
    close $fd
}

proc read_file {path} {
    set fd [open $path]
    fconfigure $fd -translation binary
    set text [read $fd]
    close $fd
    return $text
}

# Starts the process and waits until it answers PING.
proc start_node {id {wait 1}} {
    write_file $::nodes($id,conf) [node_config $id]
    set ::nodes($id,pid) [start_process $::nodes($id,log) \
        $::vard $::nodes($id,conf)]
    if {$wait} {wait_node_up $id}
}

proc wait_node_up {id} {
    wait_for_condition 20000 {[node_answers $id] ||
        ![node_alive $id]} {
        error "node $id does not answer; its log ends:\n[log_tail $id]"
    }
    if {![node_alive $id]} {
        error "node $id has ended; its log ends:\n[log_tail $id]"
    }
}

proc node_answers {id} {
    if {[catch {node_client $id} c]} {return 0}
    set good [expr {![catch {$c PING} reply] && $reply eq "PONG"}]
    $c -close
    return $good
}

proc log_tail {id {lines 15}} {
    set text [read_file $::nodes($id,log)]
    return [join [lrange [split [string trimright $text] \n] end-$lines end] \n]
}

# A new connection to a node, with the password if there is one.
proc node_client {id} {
    set c [resp::connect 127.0.0.1 $::nodes($id,port)]
    array set option $cluster::options
    if {[info exists option(requirepass)]} {
        $c AUTH $option(requirepass)
    }
    return $c
}

# A command on a node, through a connection that is kept.
proc R {id args} {
    if {![info exists ::node_clients($id)]} {
        set ::node_clients($id) [node_client $id]
    }
    if {[catch {$::node_clients($id) {*}$args} reply options]} {
        if {$reply eq "connection closed" || [string match "error *" $reply] ||
            [string match "no reply*" $reply]} {
            forget_client $id
        }
        return -options $options $reply
    }
    return $reply
}

# The only server of start_server.
proc r {args} {
    return [uplevel 1 [list R 1 {*}$args]]
}

proc forget_client {id} {
    if {[info exists ::node_clients($id)]} {
        $::node_clients($id) -close
        unset ::node_clients($id)
    }
}

proc kill_node {id {signal KILL}} {
    forget_client $id
    signal_process $::nodes($id,pid) $signal
    if {$signal in {KILL TERM INT}} {
        wait_process_end $::nodes($id,pid) 30000
    }
}

proc restart_node {id {wait 1}} {
    forget_client $id
    start_node $id $wait
}

proc node_alive {id} {
    return [process_alive $::nodes($id,pid)]
}

# --- what a cluster knows ------------------------------------------------

proc info_of {id field} {
    set text [R $id INFO]
    foreach line [split $text \n] {
        set line [string trimright $line \r]
        if {[string match "$field:*" $line]} {
            return [string range $line [string length $field]+1 end]
        }
    }
    error "no field $field in INFO"
}

# A connection that has sent a command and waits.
proc waiter {id args} {
    set before [info_of $id blocked_clients]
    set c [node_client $id]
    $c -send {*}$args
    wait_for_condition 10000 \
        {[info_of $id blocked_clients] == $before + 1}
    return $c
}

# The node that leads now; 0 if none does.
proc leader_now {{ids ""}} {
    if {$ids eq ""} {set ids $cluster::ids}
    set best 0
    set best_term -1
    foreach id $ids {
        if {![node_alive $id]} continue
        if {[catch {info_of $id raft_role} role]} continue
        set term [info_of $id raft_term]
        if {$role eq "leader" && $term > $best_term} {
            set best $id
            set best_term $term
        }
    }
    return $best
}

# Waits until one of the nodes leads and it and all others agree.
proc wait_for_leader {{ids ""} {timeout_ms 20000}} {
    if {$ids eq ""} {set ids $cluster::ids}
    set ::leader_seen 0
    wait_for_condition $timeout_ms {[leader_agreed $ids]} {
        error "no leader; logs end:\n[join [lmap i $ids {log_tail $i 5}] \n--\n]"
    }
    return $::leader_seen
}

proc leader_agreed {ids} {
    set leader [leader_now $ids]
    if {$leader == 0} {return 0}
    foreach id $ids {
        if {[info_of $id raft_leader_id] ne $leader} {return 0}
    }
    set ::leader_seen $leader
    return 1
}

proc followers {{leader ""}} {
    if {$leader eq ""} {set leader [wait_for_leader]}
    return [lmap id $cluster::ids {
        if {$id eq $leader} continue
        set id
    }]
}

proc addresses {ids} {
    return [join [lmap id $ids {set _ 127.0.0.1:$::nodes($id,port)}] ,]
}

# All nodes have applied the same index and hold as many keys.
proc wait_for_same_state {{timeout_ms 30000}} {
    wait_for_condition $timeout_ms {[llength [lsort -unique [lmap id \
        $cluster::ids {list [info_of $id raft_applied_index] \
        [R $id DBSIZE]}]]] == 1}
}

# Lines of a log that no run may have.
proc crash_lines {path} {
    set bad {}
    foreach line [split [read_file $path] \n] {
        if {[regexp {[Aa]ssertion|ASSERT|Sanitizer|runtime error:|SIGSEGV|SIGABRT|Segmentation|crashed|CRASH|BUG REPORT|stack smashing|double free|corrupted size} \
                $line]} {
            lappend bad $line
        }
    }
    return $bad
}

# --- frames of tests -----------------------------------------------------

# Directories and ports; nothing is started yet.
proc cluster_prepare {count} {
    set cluster::ids {}
    set base $::env(VARD_TEST_DIR)/run[incr cluster::next_directory]
    for {set id 1} {$id <= $count} {incr id} {
        lappend cluster::ids $id
        set ::nodes($id,port) [free_port]
        set ::nodes($id,peer) [free_port]
        set ::nodes($id,dir) $base/node$id
        set ::nodes($id,log) $base/node$id.log
        set ::nodes($id,conf) $base/node$id.conf
        set ::nodes($id,trace) $base/node$id.trace
        file mkdir $::nodes($id,dir)
        write_file $::nodes($id,log) ""
    }
}

proc cluster_begin {count options} {
    set cluster::options $options
    cluster_prepare $count
    foreach id $cluster::ids {start_node $id 0}
    foreach id $cluster::ids {wait_node_up $id}
    wait_for_leader
}

proc cluster_end {} {
    foreach id $cluster::ids {forget_client $id}
    foreach pid $cluster::pids {
        if {[process_alive $pid]} {
            signal_process $pid CONT
            signal_process $pid TERM
        }
    }
    set late {}
    foreach pid $cluster::pids {
        if {[catch {wait_process_end $pid 30000}]} {
            lappend late $pid
            signal_process $pid KILL
        }
    }
    set cluster::pids {}
    return $late
}

# Runs the code between begin and end; scans the logs of all nodes.
proc with_cluster {count options code} {
    if {[catch {cluster_begin $count $options} message]} {
        cluster_end
        test "$count node(s) start" {error $message}
        return
    }
    set failed [catch {uplevel 2 $code} message return_options]
    set late [cluster_end]
    if {$failed} {
        test "the frame of these tests" {error "$message"}
    }
    test "no crash report in the logs, all nodes end on SIGTERM" {
        foreach id $cluster::ids {
            set bad [crash_lines $::nodes($id,log)]
            if {$bad ne ""} {
                error "node $id ($::nodes($id,log)): [join [lrange $bad 0 9] \n]"
            }
        }
        assert_equal "" $late "had to be killed"
    }
    if {$::traced} {
        test "every step of every core was right" check_traces
    }
    set cluster::ids {}
}

# With VARD_TRACE=1 all nodes write traces, judged at the end.
proc check_traces {} {
    set paths {}
    foreach id $cluster::ids {
        if {[file exists $::nodes($id,trace)]} {
            lappend paths $::nodes($id,trace)
        }
    }
    if {$paths eq ""} return
    lassign [run_program $::build/tests/tracecheck {*}$paths] status output
    if {$status != 0} {error $output}
    note [lindex [split $output \n] 0]
}

proc start_server {options code} {
    with_cluster 1 $options $code
}

proc start_cluster {count options code} {
    with_cluster $count $options $code
}

# --- programs ------------------------------------------------------------

# Runs a program; returns {status output}, error output included.
proc run_program {args} {
    set status [catch {exec {*}$args 2>@1} output options]
    if {$status == 0} {return [list 0 $output]}
    set code [dict get $options -errorcode]
    set number [expr {[lindex $code 0] eq "CHILDSTATUS" ? [lindex $code 2] : -1}]
    # Tcl adds this line to the output.
    regsub {\n?child process exited abnormally$} $output {} output
    return [list $number $output]
}

# Starts the load generator in the background; its output is in FILE.out.
proc start_load {ids file args} {
    return [start_process $file.out $::loadgen write --nodes [addresses $ids] \
        --acks $file {*}$args]
}

# Waits for its end; returns its report as a dictionary.
proc finish_load {pid file {signal TERM}} {
    if {$signal ne ""} {signal_process $pid $signal}
    wait_process_end $pid 60000
    set report [dict create]
    foreach line [split [string trim [read_file $file.out]] \n] {
        if {[regexp {^([a-z0-9-]+) ([0-9.]+)$} $line -> name value]} {
            dict set report $name $value
        }
    }
    if {![dict exists $report acked]} {
        error "the load generator says: [read_file $file.out]"
    }
    dict set report output [read_file $file.out]
    return $report
}

# Every acknowledged write is there once, read through each of the nodes.
proc verify_load {ids file args} {
    lassign [run_program $::loadgen verify --nodes [addresses $ids] \
        --acks $file {*}$args] status output
    assert_equal 0 $status $output
    return $output
}

# A command on a fresh connection; the reply with its type.
proc node_typed {id args} {
    set c [node_client $id]
    set reply [$c -typed {*}$args]
    $c -close
    return $reply
}

# Starts a redis-server on a port of its own; returns its process and its port.
proc start_redis {args} {
    set port [free_port]
    set dir $::env(VARD_TEST_DIR)/redis.$port
    file mkdir $dir
    set pid [start_process $dir.log redis-server --port $port --save "" \
        --bind 127.0.0.1 --dir $dir {*}$args]
    wait_for_condition 20000 {![catch {resp::connect 127.0.0.1 $port} c]}
    $c -close
    return [list $pid $port]
}

proc stop_redis {pid} {
    signal_process $pid TERM
    wait_process_end $pid 10000
}
