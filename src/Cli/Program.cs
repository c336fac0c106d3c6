return await Handwritten.Cli.Application.RunAsync(args);
