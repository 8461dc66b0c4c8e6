# Members whose addresses are names. Each node has an /etc/hosts of its own, by
# a mount namespace, which the test changes while the node runs.

proc hosts_path {id} {
    return $::env(VARD_TEST_DIR)/hosts$id
}

# The names of the members that are given, as this node sees them.
proc set_hosts {id args} {
    set text "127.0.0.1 localhost\n"
    foreach {other address} $args {append text "$address node$other.test\n"}
    write_file [hosts_path $id] $text
}

# The configuration that names have been put into.
rename node_config node_config_with_numbers
proc node_config {id} {
    set text [node_config_with_numbers $id]
    return [regsub -all -line {^node (\d+) 127\.0\.0\.1:} $text \
        {node \1 node\1.test:}]
}

# A wrapper that starts a node in a namespace of its own.
set real_vard $vard
set vard $env(VARD_TEST_DIR)/vard.sh
write_file $vard "#!/bin/sh
id=\$(sed -n 's/^node-id //p' \"\$1\")
mount --bind '$env(VARD_TEST_DIR)/hosts'\$id /etc/hosts || exit 1
exec '$real_vard' \"\$@\"
"
file attributes $vard -permissions 0700
rename start_process start_process_plain
proc start_process {log args} {
    if {[lindex $args 0] ne $::vard} {return [start_process_plain $log {*}$args]}
    return [start_process_plain $log {*}$::own_mounts {*}$args]
}
set own_mounts {unshare --mount}
if {[catch {exec {*}$own_mounts true}]} {
    set own_mounts {unshare --user --map-root-user --mount}
}

foreach id {1 2 3} {
    # Node 3 is known to nobody but itself, when the nodes start.
    set_hosts $id 1 127.0.0.1 2 127.0.0.1
}
set_hosts 3 1 127.0.0.1 2 127.0.0.1 3 127.0.0.1

proc logged {id pattern} {
    return [string match "*$pattern*" [read_file $::nodes($id,log)]]
}

test "a name of another member that is not known keeps no node from starting" {
    set ::cluster::options {cluster-id names bootstrap yes}
    set cluster::ids {}
    cluster_prepare 3
    foreach id {1 2} {start_node $id}
    wait_for_leader {1 2}
    foreach id {1 2} {
        assert {[logged $id "peer 3 (node3.test:*): no link yet: its name is\
            not known"]} $id
    }
    assert_equal OK [R 1 SET key value]
}

test "it is linked as soon as its name is known" {
    start_node 3
    foreach id {1 2} {set_hosts $id 1 127.0.0.1 2 127.0.0.1 3 127.0.0.1}
    lassign [run_program $vardctl --cluster [addresses {1 2 3}] wait healthy \
        30] status output
    assert_equal {0 healthy} [list $status $output]
    assert_equal value [R 3 GET key]
}

test "a member that comes back under a new address is linked" {
    set lead [wait_for_leader]
    set moved [lindex [followers $lead] 0]
    kill_node $moved
    foreach id {1 2 3} {
        set hosts {}
        foreach other {1 2 3} {
            lappend hosts $other \
                [expr {$other == $moved ? "127.0.0.9" : "127.0.0.1"}]
        }
        set_hosts $id {*}$hosts
    }
    restart_node $moved
    lassign [run_program $vardctl --cluster [addresses {1 2 3}] wait healthy \
        30] status output
    assert_equal {0 healthy} [list $status $output]
    assert_match "*127.0.0.9:$nodes($moved,peer)*" [exec ss -Htln]
    assert_equal OK [R $moved SET key moved]
    assert_equal moved [R $lead GET key]
}

test "a node whose own name is not known says so" {
    kill_node 2 TERM
    set_hosts 2 1 127.0.0.1
    start_node 2 0
    wait_process_end $nodes(2,pid) 20000
    assert {[logged 2 "peer address 'node2.test:*': not found"]}
}

test "no crash report in the logs, all nodes end on SIGTERM" {
    assert_equal {} [cluster_end]
    foreach id {1 2 3} {assert_equal {} [crash_lines $nodes($id,log)]}
}
