using PoolHub.Cli.Shell;
using PoolHub.Daemon;

// One file is both programs: what .NET links into each would otherwise be installed twice. The name says which is meant.
string name = Path.GetFileName(Environment.GetCommandLineArgs()[0]);
return name == "poolhubd"
    ? await DaemonRun.RunAsync(args)
    : await App.RunAsync(args, Terminal.OfThisProcess(), Console.Out, Console.Error);
