using PoolHub.Cli.Shell;

return await App.RunAsync(args, Terminal.OfThisProcess(), Console.Out, Console.Error);
