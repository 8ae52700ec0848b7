module example.com/fdpass/hdfs

go 1.25.0

replace example.com/fdpass => ../

require example.com/fdpass v0.0.0
